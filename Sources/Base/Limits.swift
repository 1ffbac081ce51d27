// Every bound of the system in one place, with its reason. docs/LIMITS.md mirrors this file.

/// The bounds. Sizes are bytes unless the name says otherwise.
package enum Limits {
    // HTTP.
    /// One request line: the longest GET query that Keen's clients send stays below 16,000.
    package static let httpLineBytesMax = 16 << 10
    /// All header lines of a request together.
    package static let httpHeaderBytesMax = 32 << 10
    package static let httpHeaderCountMax = 100
    /// One bulk request, as documented for the Keen API.
    package static let httpBodyBytesMax = 10 << 20
    /// Requests of one connection read ahead of their answers (pipelining).
    package static let httpPipelineMax = 64
    package static let httpConnectionsMax = 10_000
    /// Requests of one server that are still arriving, over all connections: fifty of the longest
    /// at once. Handlers bound what they keep themselves.
    package static let httpHeldBytesMax = 512 << 20

    // JSON.
    /// Nesting of any document: what simdjson reserves by default, and a safe depth for recursion.
    package static let jsonDepthMax = 1024

    // RPC.
    /// One frame: an apply batch of the largest decoded fetch fits with room to spare.
    package static let rpcFrameBytesMax = 64 << 20
    /// Calls in flight on one connection, either side.
    package static let rpcInFlightMax = 1024
    /// Request bodies of one connection that its server holds at once: four of the largest frames.
    package static let rpcInFlightBytesMax = 4 * rpcFrameBytesMax
    /// One frame of a peer that has not authenticated itself yet; the longest has 77 bytes, a
    /// refusal a text.
    package static let rpcHandshakeFrameBytesMax = 512
    /// Time that a peer has for the whole handshake.
    package static let rpcHandshakeSeconds = 5
    /// Connections of one RPC server: every process of a large cluster, several times.
    package static let rpcConnectionsMax = 4096
    /// A connection that has said nothing for so long while a call on it ran out of time is given
    /// up: the other machine may be gone without a word.
    package static let rpcSilenceSeconds = 10
    /// A peer that takes no byte of its answers for so long loses its connection: three times
    /// what a client waits before it gives its own end up.
    package static let rpcStallSeconds = 30
    /// A cluster secret shorter than this could be guessed from a recorded handshake.
    package static let clusterSecretBytesMin = 16

    // Scan plans as they arrive at a shard. The planner's own limits are tighter.
    package static let planFilterDepthMax = 32
    package static let planFiltersMax = 10_000
    package static let planGroupByMax = 100
    package static let planAggregatesMax = 1_000

    // Connections of any kind.
    /// Unsent bytes of one connection above which its producer is told to wait.
    package static let connectionHighMarkBytes = 1 << 20
    /// Unsent bytes below which it may go on.
    package static let connectionLowMarkBytes = 256 << 10
    /// One read from a socket.
    package static let readBufferBytes = 64 << 10
    /// Reads of one connection before the others of its loop get their turn: half a MiB.
    package static let readsPerTurnMax = 8
    /// Writes up to this size are gathered by copying; larger ones are sent from where they are.
    package static let gatherBytesMax = 16 << 10
    /// Pieces that one system call sends.
    package static let vectorPiecesMax = 8
    /// How long a closing connection that owes bytes waits for its peer to take one.
    package static let connectionFlushMilliseconds = 5_000
    /// How long a closed connection waits for the peer to close too. Closing with bytes unread
    /// would reset the connection, and the peer could lose the last answer.
    package static let connectionLingerMilliseconds = 1_000
    /// The same for a peer that goes on sending, such as a client in the middle of a body that was
    /// refused: a choice, enough for the longest body at 8 Mbit/s.
    package static let connectionLingerTotalMilliseconds = 10_000
    /// A TLS handshake, from the connection on: three round trips at most, and a slow processor.
    package static let tlsHandshakeMilliseconds = 10_000
    /// Plaintext of the largest TLS record; the protocol's.
    package static let tlsRecordBytes = 16 << 10
    /// Ciphertext of one connection that waits for its socket before more is encrypted.
    package static let tlsOutputBytes = 64 << 10
    /// Connections that the kernel completes before we accept them.
    package static let listenBacklog = 1024
    /// Connections accepted before the others of the loop get their turn.
    package static let acceptsPerTurnMax = 64
    /// How long accepting rests when the process has no descriptor left.
    package static let acceptRestMilliseconds = 100

    // Events.
    /// One event's JSON, as documented for the Keen API (900 KB).
    package static let eventBytesMax = 900 << 10
    /// A record's value: the largest event with the members that the collector adds. Others may
    /// write to the log too, and what they write is bounded as well.
    package static let recordBytesMax = 1 << 20
    /// Events of one bulk request: a 10 MiB body of the smallest events.
    package static let bulkEventsMax = 100_000
    package static let propertyNameCharactersMax = 256
    /// Objects and arrays within each other, the event itself included.
    package static let propertyDepthMax = 100
    /// Names from the root down to a property, joined by dots.
    package static let propertyPathBytesMax = 8192
    package static let stringBytesMax = 64 << 10
    package static let collectionNameCharactersMax = 256
    /// Properties of one event as published: nested ones, the objects that hold them, and `keen`.
    package static let propertiesPerEventMax = 2_000

    // Events that are sent again.
    package static let uniquenessTokenBytesMax = 256
    package static let idempotencyKeyBytesMax = 200
    package static let dedupeWindowMilliseconds: Int64 = 86_400_000
    package static let dedupeWindowMillisecondsMax = 30 * 86_400_000

    // Records that are no events.
    /// One dead letter, headers included: twice the largest record, for those that others write.
    package static let deadLetterBytesMax = 2 << 20
    /// Dead letters of one worker on their way to the log.
    package static let deadLetterBufferBytesMax = 64 << 20
    /// How long a partition waits for a topic that refuses its dead letters for good.
    package static let deadLetterRefusedSeconds = 30
    /// Reasons that are counted apart; the rest is counted together.
    package static let deadLetterReasonsMax = 32

    // Add-ons of events.
    package static let addonsPerEventMax = 20
    package static let urlParametersMax = 100
    package static let placeholdersPerEventMax = 32
    package static let userAgentBytesMax = 1024

    // Catalog.
    /// Projects of one cluster: some 60 MB in every process.
    package static let catalogProjectsMax = 100_000
    /// A project's key: twice the longest that Keen ever made.
    package static let apiKeyBytesMax = 128

    /// Saved queries of all projects: 640 MB in every process if each were as large as may be; a
    /// usual one has some hundred bytes.
    package static let catalogSavedQueriesMax = 10_000
    package static let savedQueriesPerProjectMax = 1_000
    /// One saved query as the catalog keeps it.
    package static let savedQueryBytesMax = 64 << 10
    package static let savedQueryNameBytesMax = 128
    /// Saved queries of one project whose results are kept and refreshed.
    package static let cachedQueriesPerProjectMax = 100
    /// Seconds between two runs of such a query, as documented for the Keen API: 4 to 24 hours.
    package static let refreshSecondsRange = 14_400...86_400

    /// Access keys of all projects: one for each customer of each of some hundred projects.
    package static let catalogAccessKeysMax = 100_000
    package static let accessKeysPerProjectMax = 10_000
    /// One access key as the catalog keeps it.
    package static let accessKeyBytesMax = 16 << 10
    /// One scoped key as a request carries it, two digits a byte.
    package static let scopedKeyBytesMax = 16 << 10
    /// Datasets: as saved queries.
    package static let catalogDatasetsMax = 10_000
    package static let datasetsPerProjectMax = 1_000
    /// Datasets in one page of the list, which is the default of the Keen API's clients too.
    package static let datasetsPageMax = 100

    // Log server.
    /// Elements of all arrays of one Kafka message together: a fetch of every partition that there
    /// may be has ten thousand; more would let a small frame ask for a lot of memory.
    package static let kafkaMessageElementsMax = 50_000
    /// One request: Kafka's own default.
    package static let logRequestBytesMax = 100 << 20
    /// Requests of all connections that are being read or served: the largest, which is kept room
    /// for, and more.
    package static let logRequestsBytesMax = 256 << 20
    /// What a request is given room for at a time: most take no second step.
    package static let logRequestRoomBytes = 1 << 20
    /// How fast a request has to come while others wait for room; and one that has been given the
    /// room that is kept for the largest, which only one can have. Choices.
    package static let logRequestBytesPerSecondMin = 64 << 10
    package static let logReserveBytesPerSecondMin = 1 << 20
    /// Produce requests of one connection that are served at a time. Idempotent clients have at
    /// most five on their way; others as many as they like.
    package static let logRequestsInFlightMax = 16
    package static let logConnectionsMax = 4096
    /// Connections that have not said yet who they are; a choice.
    package static let logUnauthenticatedConnectionsMax = 256
    /// One request before the client is known: room for any list of versions or certificate chain.
    package static let logUnauthenticatedRequestBytesMax = 64 << 10
    /// One message of a SASL mechanism: names, passwords, numbers that are used once.
    package static let saslMessageBytesMax = 4 << 10
    /// Saying who one is, TLS included.
    package static let logAuthenticationMilliseconds = 15_000
    /// How long a wrong password waits for its answer.
    package static let logAuthenticationFailureDelayMilliseconds = 200
    /// Users, in the file and altered ones, each: hashing them all takes some seconds at the start.
    package static let logUsersMax = 1_000
    /// A user's name, and a password.
    package static let logUserTextBytesMax = 256
    /// Rounds of hashing that a password gets: RFC 7677 wants 4,096 at least and advises 15,000.
    package static let scramIterationsDefault = 15_000
    package static let scramIterationsMin = 4_096
    /// Kafka's own bound: a client has to compute them too.
    package static let scramIterationsMax = 16_384
    /// A connection that says nothing for so long is closed: Kafka's own default.
    package static let logConnectionIdleSeconds = 600
    /// A peer that stops in the middle of a request, or stops taking an answer.
    package static let logConnectionStallSeconds = 30
    /// Bytes of one fetch, but for a first batch that is larger alone.
    package static let logFetchBytesMax = 16 << 20
    /// Answers of all connections that clients are slow to take; beyond it fetches get less.
    package static let logUnsentBytesMax = 512 << 20
    /// The longest that a fetch waits for records.
    package static let logFetchWaitMilliseconds = 60_000
    /// Fetches and lookups that wait for a thread: each connection has one at most.
    package static let logReadQueueMax = 8192
    /// Partitions of all topics: each has an open file.
    package static let logPartitionsMax = 10_000
    /// One segment: positions in its index are 32 bits wide.
    package static let logSegmentBytesMax = 1 << 30
    /// Segments of a partition for which segment.bytes counts; for as many again it counts double,
    /// and so on, since each is an open file.
    package static let logSegmentsBeforeDoubling = 256
    /// A choice: few files, and a restart that rereads little of a torn one.
    package static let logSegmentBytesDefault = 128 << 20
    /// Bytes of batches for one index entry: a lookup reads that much to find its batch.
    package static let logIndexIntervalBytes = 16 << 10
    /// What a walk over a segment reads at once.
    package static let logScanWindowBytes = 1 << 20
    /// Written to a partition between two snapshots: what a start after a kill has to read of it.
    package static let logSnapshotIntervalBytes = 8 << 20
    // The allocator of the log server and the store, see `keepFreedMemory`.
    package static let freedMemoryBlockBytes = 32 << 20
    package static let freedMemoryStepBytes = 4 << 20
    package static let freedMemoryKeptBytes = 64 << 20

    /// Threads that bring segments and snapshots to the disk beside the writers.
    package static let logFlushThreads = 4
    /// Full segments of a partition that may wait for the disk: what a slow one can be behind.
    package static let logClosedSegmentsMax = 3
    /// Entries of a segment's append times; beyond it every other one goes.
    package static let logAppendTimesMax = 4096
    /// Between two append times of a segment, at first.
    package static let logAppendTimeIntervalMilliseconds: Int64 = 1000
    package static let logAppendTimeIntervalBytes = 1 << 20
    /// Records of a fetch that are sent from their file; fewer are cheaper to copy.
    package static let logSendFileBytesMin = 32 << 10
    /// Threads that open partitions at the start.
    package static let logOpenThreads = 4
    /// Idempotent producers that a partition remembers.
    package static let logProducersMax = 100_000
    /// Aborted transactions of a partition whose records are still there: 32 MB.
    package static let logAbortedMax = 1_000_000
    /// Transactional ids that the coordinator knows at a time.
    package static let transactionalIDsMax = 10_000
    /// One transactional id.
    package static let transactionalIDBytesMax = 1024
    /// A producer that has not written for a day may be forgotten: Kafka's own default.
    package static let logProducerExpiryMilliseconds: Int64 = 86_400_000
    /// Producer ids that are taken from the disk at once.
    package static let logProducerIDBlock: Int64 = 1000
    /// Leader epochs that a partition remembers.
    package static let logEpochsMax = 1000
    /// Time between syncs with `log_server.fsync: interval`.
    package static let logSyncIntervalMilliseconds = 1000
    /// Growth of `__consumer_offsets` after which its current contents are written anew and the
    /// rest removed.
    package static let logOffsetsRewriteBytes = 16 << 20
    /// What the records of one batch may become when they are decompressed, for topics whose keys
    /// count, and for offsets by time: 64 times the largest batch of the default.
    package static let logBatchContentBytesMax = 64 << 20
    /// Keys that one compaction looks at together: some 500,000 short ones.
    package static let logCompactionMapBytesMax = 64 << 20
    /// Segments that a compaction makes one of: their files are removed in one step of the writer.
    package static let logCompactionSegmentsMax = 64
    /// How long a partition whose compaction went wrong is left alone: at first, and at most.
    package static let logCompactionRetrySecondsMin = 60
    package static let logCompactionRetrySecondsMax = 3600
    /// Groups that the coordinator knows at a time, empty ones included.
    package static let groupsMax = 10_000
    /// What all groups take together: members with what they subscribe to and are given, offsets
    /// with their metadata.
    package static let groupsBytesMax = 512 << 20
    /// One group id, group instance id or client id that the coordinator keeps.
    package static let groupNameBytesMax = 1024
    /// Subscriptions of all members of one group, and again their assignments.
    package static let groupBytesMax = 16 << 20
    /// A group's own record in the offsets topic: below what one batch may have by default. A
    /// larger group works but is not written down.
    package static let groupRecordBytesMax = 1_000_000
    /// A member asking for more time to rejoin than this gets this much: some clients ask for
    /// 24 days, which would be how long one that died could hold up its group.
    package static let groupRebalanceMillisecondsMax: Int32 = 3_600_000
    /// How long a new member waits for its first generation before it has to ask again: its client
    /// may be gone, and nobody would know.
    package static let groupNewMemberSeconds = 300

    // Store.
    /// Rows of one sealed block.
    package static let blockRowsMax = 65_536
    /// One encoded block: below the 32-bit offsets inside it with a factor of four to spare.
    package static let blockBytesMax = 1 << 30
    /// A merge closes a segment file at this size: some ten full blocks of ordinary events, and the
    /// memory that writing one takes.
    package static let segmentBytesAim = 64 << 20
    /// Bytes of fresh blocks of one shard that wait to be merged: beyond, the merger does not keep
    /// up, and the log is the better place to wait in. A few seconds of its work.
    package static let mergeBacklogBytesMax = 256 << 20
    /// Deletes of one shard that wait to be carried out. Each is a cell and some memory; a choice.
    package static let waitingDeletesMax = 1024
    /// Segments of one shard and of one size class, of which there are a few, that are left alone:
    /// as many are joined into one. A choice between files and bytes written twice.
    package static let smallSegmentsMax = 64

    // Wide rows over RPC.
    /// Key of a user's row, its name of the table not counted.
    package static let rowKeyBytesMax = 4096
    package static let rowTableNameBytesMax = 256
    /// Value of a user's cell: rows are small things; events are for what is large.
    package static let rowValueBytesMax = 1 << 20
    /// Changes of one put.
    package static let rowChangesMax = 10_000
    /// Cells of one answer.
    package static let rowPageCellsMax = 10_000
    /// Bytes of keys and values after which an answer ends.
    package static let rowPageBytesMax = 4 << 20
    /// One value of an answer to get: fits a frame with room to spare.
    package static let rowAnswerBytesMax = 48 << 20
    /// Cells looked at for one answer, expired ones too.
    package static let rowVisitsMax = 100_000
    /// Tables that one answer lists.
    package static let rowTablesMax = 1000
    /// Values that one merge holds in memory: a full block of three hundred properties.
    package static let mergeBytesMax = 256 << 20

    /// Texts of the groups and distinct values of one scan: each is in the answer at least once,
    /// and an answer is one frame.
    package static let scanTextBytesMax = rpcFrameBytesMax
    /// Memory of one scan's groups and distinct values on a node: ten million values, twice.
    package static let scanQueryBytesMax = 2 << 30
    /// The same of all scans of a node together.
    package static let scanNodeBytesMax = 4 << 30
    /// Answers of sealed blocks that a node keeps. A choice: some hundred dashboards of a few
    /// thousand groups.
    package static let scanCacheBytesMax = 128 << 20
    /// What `store.answer_cache_bytes` may be set to (a choice).
    package static let scanCacheBytesSettingMax = 64 << 30
    /// Decoded dictionaries of sealed blocks that a node keeps: those of some hundred blocks of
    /// columns in which nearly every text is new. A choice.
    package static let dictionaryCacheBytesMax = 256 << 20
    /// What `store.dictionary_cache_bytes` may be set to (a choice).
    package static let dictionaryCacheBytesSettingMax = 64 << 30
    /// Events of one extraction: what the Keen API gave at once.
    package static let extractionEventsMax = 100_000
    /// Text of one extraction's events: fits one frame with room for what goes with them.
    package static let extractionBytesMax = 48 << 20
    /// Events of an extraction that is sent while it is read: what Keen mailed at most.
    package static let extractionStreamedEventsMax = 10_000_000
    /// Extractions to files, of a query server: those that wait for their turn, those that run side
    /// by side, and those whose files are kept, the failed ones included.
    package static let filesWaitingMax = 100
    package static let filesRunningMax = 2
    package static let filesKeptMax = 10_000
    /// Bytes of all files and how long each is kept, unless settings say otherwise (choices).
    package static let filesBytesDefault = 10 << 30
    package static let filesAgeMilliseconds = 7 * 24 * 3_600_000
    /// One such extraction's parameters on the disk.
    package static let fileJobBytesMax = 256 << 10
    /// How often one is begun anew when the server ends while it runs: it may be why it does.
    package static let fileStartsMax = 3
    /// How long storage nodes that do not answer are waited for.
    package static let filePatienceSeconds = 600
    /// What is read of a file and sent at a time.
    package static let filePieceBytes = 256 << 10
    /// RFC 5321's longest address.
    package static let emailBytesMax = 254
    /// How long the command for mail may take, and how often it is tried.
    package static let mailSeconds = 60
    package static let mailAttemptsMax = 3
    /// Events that such an extraction reads at a time.
    package static let extractionPageEvents = 5_000

    // Queries.
    package static let queryBucketsMax = 10_000
    package static let queryGroupsMax = 1_000_000
    package static let queryDistinctValuesMax = 10_000_000
    /// Different values of a group up to which count_unique is exact: a set of them fits a frame.
    package static let queryExactUniqueMax = 1_000_000
    /// Different numbers of a group up to which its percentiles are exact: 2.4 MB of them.
    package static let queryExactNumbersMax = 100_000
    /// Analyses of one multi_analysis: far above what a dashboard shows at once.
    package static let queryAnalysesMax = 100
    /// Percentiles of one property asked for at once: every whole one.
    package static let queryPercentilesMax = 100
    /// How deep `or`, `and` and `not` nest: well below what a plan may have.
    package static let queryFilterDepthMax = 16
    package static let queryFiltersMax = 256
    /// Values that one `in` filter lists: far above any page of ids, and small next to a body.
    package static let queryFilterValuesMax = 100_000
    /// Properties in one group_by: a choice; the product of their values is bounded anyway.
    package static let queryGroupByMax = 16
    /// Ranges of one group_by.
    package static let queryRangesMax = 100
    /// The text of a pattern, and the steps of its automaton: what one character of a text costs.
    package static let patternBytesMax = 1024
    package static let patternStepsMax = 2_000
    /// Cells (intervals times groups) of one answer: about 150 MB of JSON at 75 bytes a cell.
    package static let queryCellsMax = 2_000_000
    /// Steps of one funnel: each is a scan, and all run at once (a choice).
    package static let funnelStepsMax = 32
    /// Actors of all steps of one funnel: some 500 MB in the query server while it is answered.
    package static let funnelActorsMax = 5_000_000
    /// Seconds that `max_age` may say, as documented for the Keen API: 36 hours.
    package static let maxAgeSecondsMax = 129_600
    /// Results that a query server keeps for `max_age` and of cached queries.
    package static let resultsKeptMax = 4_096
    package static let resultsKeptBytesMax = 128 << 20
    /// One result that is kept; a larger one is worked out whenever it is asked for.
    package static let resultKeptBytesMax = 16 << 20
    /// A cached query that failed runs again after so long (a choice).
    package static let cachedQueryRetrySeconds = 60
    /// Queries of one process that run at once. More of them wait.
    package static let queriesRunningMax = 64
    /// Queries of one process that wait for their turn. More of them are refused.
    package static let queriesWaitingMax = 1024

    // Imports.
    /// One line of an import: an event of the largest size with blanks to spare.
    package static let importLineBytesMax = 1 << 20
    /// Events of one batch, and bytes at which it is closed: with one more line it stays well below
    /// the largest body.
    package static let importBatchEvents = 2_000
    package static let importBatchBytes = 4 << 20
    /// Batches on their way at once: by default, and at most.
    package static let importRequestsInFlight = 4
    package static let importRequestsInFlightMax = 64
    /// Longest pause that a collector can ask for.
    package static let importRetryAfterSecondsMax = 30

    /// Time zones kept by name; the IANA data base has about 600 names.
    package static let queryZonesMax = 1024
    /// How long a query waits for a connection to a storage node: making one takes milliseconds,
    /// and a dashboard should not wait minutes for a node that is away (a choice).
    package static let queryStorePatienceMilliseconds = 2_000
    /// Projects that one key may list: each costs a question to every storage node.
    package static let projectsListedMax = 100
}
