// Package hec is an in-process Splunk HTTP Event Collector, faithful enough to
// prove a client against: tokens, the answer codes, invalid-event-number,
// indexer acknowledgement that comes late, never or not again, full queues,
// size limits, firewalls, gateways that lose headers, and injected faults. What it accepts it records, so that a test
// can ask whether anything was lost, repeated or checkpointed too early.
//
// The facts are those of Splunk's "Format events", "Troubleshoot HEC" and
// "About HEC indexer acknowledgment" pages. Where Splunk is known to behave in
// two ways (events before a refused one indexed or not; the number of the
// refused event given or not) an option picks.
package hec
