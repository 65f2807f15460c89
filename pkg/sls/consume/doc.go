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
// The way of a page, from pull to checkpoint:
//
//  1. [sls.Worker] pulls it, and hands it over piece by piece (checkpoint.go).
//  2. [Sink.Take] walks its logs, and holds it for each part under way.
//  3. Once a part is durable, or in quarantine, [Page.Settle] says so.
//  4. The last hold ended, the page is confirmed, with its counts (page.go).
//  5. Where no page before it is open, pkg/sls makes a stretch of what lies
//     between the checkpoint and its end, and announces that.
//  6. The receipt, which now counts the stretch, is kept in STATE_URL.
//  7. The checkpoint is saved in the consumer group, and the stretch is saved
//     for certain.
package consume
