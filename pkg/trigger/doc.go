// Package trigger decodes what can wake a function.
//
// [FromHTTP] reads a request (Cloud Run, Function Compute, a pushing Worker),
// [FromBytes] a bare payload (Lambda), [FromMessage] a message that the function
// pulled from a queue itself. They look at the shape of what they were given,
// name it in [Event.Kind] and [Event.Path], and refuse with an [*Error] whatever
// no trigger sends. A function then refuses in turn the kinds that are not its
// own.
//
// Understood are:
//
//   - nothing, or {}: a tick, as is the event of an EventBridge schedule or of
//     a Function Compute timer
//   - {"verify":{}}, as it is, as a Pub/Sub message, or as the payload of a
//     Function Compute timer: a verification
//   - {"from":…}: the message of a backfill, as it is
//   - Pub/Sub: a CloudEvent google.cloud.pubsub.topic.v1.messagePublished, binary
//     or structured, or a plain push
//   - notices about objects: R2 (a pulled message, or a batch pushed by the
//     Worker of gunzipcsv), S3 (directly, or inside SNS, SQS or EventBridge),
//     GCS (a CloudEvent google.cloud.storage.object.v1.*, or a Pub/Sub
//     notification)
//   - the SLS trigger of Function Compute: a range of one shard
//
// Shapes are told apart by their exact keys, letter case included.
package trigger
