// Package sls reads and writes Alibaba Cloud Log Service (SLS).
//
// # Layers
//
//   - [Client] makes the signed API calls of one logstore: shards, cursors,
//     pulls, writes, consumer groups, counts. It retries at its own edge.
//   - [GroupReader], [Group] and [LogReader] walk the protobuf of a pull
//     without building objects.
//   - [Worker] is one member of a consumer group: it heartbeats, reads the
//     shards it is given, hands pages to a [Processor] and moves a shard's
//     checkpoint to a cursor only when everything before it was confirmed.
//   - [Writer] writes [PutGroup]s, and finds the logs of them that the service
//     refuses.
//   - [Client.ReadRange] reads one range of one shard, without a group.
//
// # Why not the vendor's SDK
//
// aliyun-log-go-sdk v0.1.131 takes no context in any call, retries reads for
// up to 90 s on its own terms but consumer-group calls and quota refusals
// never (request.go, client_request.go), and allocates the compressed and the
// raw body of every pull anew (log_store.go). Its consumer library stops
// heartbeats before it drains, loops for ever on an expired cursor and saves
// checkpoints without asking whether the shard is still its own
// (consumer/*.go). The API underneath is a dozen small signed requests, so
// this package makes them itself; the SDK serves in the tests, as the second
// opinion on signatures, on the protobuf and on the emulator.
package sls
