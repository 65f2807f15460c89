// Package gunzipcsv turns the log objects that Cloudflare Logpush leaves in a
// bucket into CSV objects in a second one.
//
//	tick ──▶ pull the queue ─┐
//	pushed batch, SQS, SNS ──┼─▶ notice ─▶ admit ─▶ convert ─▶ manifest ─▶ settle ─▶ receipt
//	EventBridge, GCS ────────┤             ours?    GET gunzip  what was    ack, or
//	backfill: list ──────────┘                      CSV PUT     written     deliver again
//	                                         └──────────┴─▶ quarantine
//
// An object's conversion rests on its source alone. The target is written whole
// or not at all, and carries its source's key, ETag and size: whoever meets the
// same notice again finds that there is nothing to do, whoever meets a changed
// source converts it again. A new target is created only where there is none,
// so that two sources that would fall on one key, even at the same moment, are
// told apart; the second goes to quarantine. After its commit a conversion looks
// at the source once more: of two that raced for a replaced object, the last to
// write is never the one with the old content.
//
// What was written is in a manifest before its notice is acknowledged. A target
// names the run that wrote it; one whose manifest does not have it, since that
// run was killed, is compared with a second conversion and entered. So verify
// knows what every target has to be, whatever the target says of itself.
//
// # What the receipt counts
//
// In, Out, Filtered and Quarantined count notices that are settled for good:
//
//   - Out: the object was converted by this notice.
//   - Filtered: there was nothing to convert. Deletions, test notices, keys
//     outside the prefix; Unchanged, which are converted already; and Skipped,
//     which are gzip neither by name nor by their bytes.
//   - Quarantined: rejected as a whole, with the reason.
//
// Returned counts notices that failed for now and will be delivered again: they
// are in none of the others. Rejected counts single records of converted
// objects that went to quarantine alone.
package gunzipcsv
