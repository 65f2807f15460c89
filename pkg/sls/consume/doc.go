// Package consume carries the logs of a logstore of Alibaba Cloud Log Service
// (SLS) to a function's [Sink], and keeps proof of it: no checkpoint moves past
// a log that is not durable there, nor past one that no receipt accounts for.
//
// A function brings its name and a sink; the rest is the same for all of them:
// [Consumer.Run] drains under a lease or reads a trigger's range,
// [Consumer.Follow] goes on for good, [Consumer.Backfill] reads a span again,
// [Consumer.Verify] counts what receipts say was done, and [Consumer.Doctor]
// looks whether all of it can work.
//
// The way of a page from pull to checkpoint, all but the first step and the last
// in checkpoint.go:
//
//  1. [sls.Worker] pulls it from its shard, and hands it over in pieces.
//  2. The sink takes it: [Sink.Take] walks its logs, and holds it for each part
//     of it that is under way.
//  3. Once such a part is durable, or in quarantine, [Page.Settle] says so, with
//     its counts. The last one confirms the page.
//  4. When no page before it is open, pkg/sls announces the stretch from the
//     checkpoint to its end, with the counts of its pages.
//  5. A receipt that counts the stretch is kept in STATE_URL.
//  6. The checkpoint is saved in the consumer group; the stretch is saved.
package consume
