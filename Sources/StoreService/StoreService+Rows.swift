// Wide rows over RPC: every table can be read, those of users can be written.

internal import Base
internal import EventStore
internal import Model
internal import RPC
internal import Wire

extension StoreService {
    func tables(_ call: RPCCall) throws {
        _ = try call.message(TablesRequest.self)
        store.advanceTime(to: wallClockMilliseconds())
        let (tables, isComplete) = try store.tables()
        call.reply(TablesResponse(tables, isComplete: isComplete))
    }

    func get(_ call: RPCCall) throws {
        let request = try call.message(GetRequest.self)
        store.advanceTime(to: wallClockMilliseconds())
        call.reply(
            GetResponse(
                try store.cell(request.table, shard: request.shard, key: request.key)))
    }

    func slice(_ call: RPCCall) throws {
        let request = try call.message(SliceRequest.self)
        store.advanceTime(to: wallClockMilliseconds())
        call.reply(SliceResponse(try store.page(request.slice)))
    }

    func put(_ call: RPCCall) throws {
        let request = try call.message(PutRequest.self)
        store.advanceTime(to: wallClockMilliseconds())
        try store.write(request.changes)
        call.reply(PutResponse())
    }
}
