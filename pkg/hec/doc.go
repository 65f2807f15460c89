// Package hec sends events to Splunk's HTTP Event Collector and says of each
// one what became of it: accepted (with acknowledgement: indexed), or refused
// on its own merits, with Splunk's code.
//
// A caller begins a [Session] for each run, takes a [Batch] from [Client.Batch],
// appends events to it as JSON text with [AppendString] and [AppendTime], and
// hands it to [Session.Send], which returns when every event's fate is known. Any
// number of goroutines may do so; the number of batches bounds the memory and the
// number of requests under way adapts to what the receiver bears.
//
//	session := client.Session()
//	…
//	b, err := client.Batch(ctx)
//	if err != nil { … }
//	defer b.Release()
//	for !b.Full() {
//		b.Append(pos, func(dst []byte) []byte { return appendEvent(dst, log) })
//	}
//	result, err := session.Send(ctx, b)
//
// How an answer is read:
//
//	2xx                          accepted; codes 24 and 25 stop growth, another
//	                             code but 0 is that code's error, and one that breaks
//	                             off no answer
//	codes 5 6 12 13 15, and 400  refused: sent again unpacked, if it was packed, then
//	403 406 413 415 422          the batch is cut until a bad event stands alone;
//	                             413 halves the batch limit besides
//	401, codes 1-4 7 10 11       configuration: a permanent [Error] that says
//	14 16 21 22 28, 3xx 404 …    what to fix; nothing is rejected, or sent again;
//	                             7 is refused where the index is the event's own
//	429 503                      slower, after Retry-After; then again
//	other 5xx, transport errors  another endpoint, then again
//
// An event that is refused alone is rejected only by a receiver that takes others
// in the same session: one that takes nothing is an [Error] too, and one that
// takes nothing packed is spoken to unpacked. So neither a fault of the
// configuration nor one of the packing can look like one of the events.
//
// A batch whose fate stayed unknown is sent again, so that an event may arrive
// twice and never not at all; [Stats].PossibleRepeats bounds how many did.
package hec
