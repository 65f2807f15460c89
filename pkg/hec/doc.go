// Package hec sends events to Splunk's HTTP Event Collector and says of each
// one what became of it: accepted (with acknowledgement: indexed), or refused
// on its own merits, with Splunk's code.
//
// A caller takes a [Batch] from [Client.Batch], appends events to it as JSON
// text with [AppendString] and [AppendTime], and hands it to [Client.Send],
// which returns when every event's fate is known. Any number of goroutines may
// do so; the number of batches bounds the memory and the number of requests
// under way adapts to what the receiver bears.
//
//	b, err := client.Batch(ctx)
//	if err != nil { … }
//	defer b.Release()
//	for !b.Full() {
//		b.Append(pos, func(dst []byte) []byte { return appendEvent(dst, log) })
//	}
//	result, err := client.Send(ctx, b)
//
// How an answer is read:
//
//	2xx                          accepted; codes 24 and 25 stop growth
//	400 codes 5 6 12 13 15       an event is bad: the batch is cut until it
//	                             stands alone, and only then is it rejected
//	401 403, codes 1-4 7 10 11   configuration: a permanent [Error] that says
//	14 16 21 22 28, 3xx 404 …    what to fix; nothing is rejected
//	413                          the batch limit is halved, the batch cut
//	429 503                      slower, after Retry-After; then again
//	other 5xx, transport errors  another endpoint, then again
//
// A batch whose fate stayed unknown is sent again, so that an event may arrive
// twice and never not at all; [Stats].PossibleRepeats bounds how many did.
package hec
