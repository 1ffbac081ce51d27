// Every setting of every executable: one table, so that a misspelt key is an error and the sample
// file can be held against it. One file may serve all processes of a machine.

/// The settings that exist.
package enum SettingKeys {
    /// Key and what it is for. Keys have two parts; a number's unit is its last word.
    package static let all: [(key: String, meaning: String)] = [
        (
            "admin.listen",
            "HOST:PORT of /healthz, /readyz and /metrics, where a process has no HTTP"
        ),
        ("cluster.secret", "the secret by which processes know each other"),
        ("cluster.secret_file", "a file that holds it, instead"),
        ("collector.listen", "HOST:PORT of the collector"),
        ("collector.buffer_events", "events that wait for the log at most"),
        (
            "collector.trust_forwarded_for",
            "whether a proxy in front of collectors names the caller in X-Forwarded-For"
        ),
        ("events.partitions", "partitions of millrace.events, and shards"),
        ("lag.listen", "HOST:PORT of the lag monitor"),
        ("lag.log_admin", "HOST:PORT of millrace-log's admin port, for lag in seconds"),
        ("log.brokers", "the log's addresses"),
        ("log.security_protocol", "plaintext, ssl, sasl_plaintext or sasl_ssl"),
        ("log.sasl_mechanism", "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"),
        ("log.sasl_username", "this process's user of the log"),
        ("log.sasl_password", "that user's password"),
        ("log.sasl_password_file", "a file that holds it, instead"),
        ("log.tls_ca", "PEM file of who signs the brokers' certificates"),
        ("log.tls_certificate", "PEM file of this process's own certificate"),
        ("log.tls_key", "PEM file of its key"),
        ("log_server.listen", "HOST:PORT of the log server"),
        ("log_server.advertised", "HOST:PORT that clients are told, if it is another"),
        ("log_server.tls_listen", "HOST:PORT of the log server for clients with TLS"),
        ("log_server.tls_advertised", "HOST:PORT that they are told, if it is another"),
        ("log_server.tls_certificate", "PEM file of the log server's certificate"),
        ("log_server.tls_key", "PEM file of its key"),
        ("log_server.tls_client_ca", "PEM file of who signs the certificates of clients"),
        ("log_server.users_file", "who may use the log server, and their passwords"),
        ("log_server.data", "directory of the log server's data"),
        ("log_server.fsync", "always, interval or never"),
        ("log_server.segment_bytes", "size at which a segment is closed"),
        ("log_server.retention_ms", "milliseconds that records are kept by default"),
        ("log_server.retention_bytes", "bytes of a partition that are kept by default"),
        ("log_server.segment_ms", "age at which a segment is closed"),
        ("log_server.retention_check_interval_ms", "time between two looks for old segments"),
        ("log_server.compaction_interval_ms", "time between two looks for what to compact"),
        ("log_server.auto_create_topics", "whether an unknown topic is made on first use"),
        ("log_server.partitions", "partitions of a topic made that way"),
        ("log_server.group_initial_rebalance_delay_ms", "wait for further members of a new group"),
        ("log_server.transaction_max_timeout_ms", "longest that a transaction may stay open"),
        ("log_server.transactional_id_expiration_ms", "how long an unused id is remembered"),
        ("logging.level", "trace, debug, info, notice, warning, error or critical"),
        ("logging.format", "text or json"),
        ("process.exit_with_parent", "whether to be killed when the starting process dies"),
        ("query.listen", "HOST:PORT of the query server"),
        ("query.timeout_ms", "how long a query may take"),
        ("query.queries_per_minute", "a project's queries in a minute; 0: any number"),
        ("query.extractions_per_minute", "its extractions"),
        ("query.changes_per_minute", "its changes of saved queries, datasets and access keys"),
        ("query.deletes_per_minute", "its deletes"),
        ("query.files", "directory of extractions that are files; without it there are none"),
        ("query.files_bytes", "what they may take together"),
        ("query.files_age_ms", "how long they are kept"),
        ("query.public_url", "where clients reach this query server: its links begin so"),
        ("query.mail_command", "command that sends mail, such as /usr/sbin/sendmail -t"),
        ("store.addresses", "all storage nodes, the same list everywhere: shard p on p mod N"),
        ("store.listen", "HOST:PORT of the storage node"),
        ("store.data", "directory of the storage node's data"),
        ("store.dedupe_window_ms", "how long events of one uniqueness token are one event"),
        ("store.answer_cache_bytes", "memory for answers of sealed blocks"),
        ("store.dictionary_cache_bytes", "memory for decoded texts of sealed blocks"),
        ("worker.batch_records", "records of one apply at most"),
        ("worker.dead_letters", "whether records that are no events are kept in a topic"),
        ("worker.dead_letter_topic", "that topic's name"),
        ("worker.geo_database", "file of places by address, for the add-on keen:ip_to_geo"),
        ("worker.instance_id", "name in the group that outlives the process"),
        ("worker.session_timeout_ms", "silence after which a worker loses its partitions"),
    ]

    /// Those that are never shown.
    static let secrets: Set = ["cluster.secret", "log.sasl_password"]

    static func exists(_ key: String) -> Bool { all.contains { $0.key == key } }
}
