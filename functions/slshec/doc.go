// Package slshec forwards the logs of an Alibaba Cloud Log Service (SLS)
// logstore to Splunk's HTTP Event Collector (HEC).
//
// The way of a log, in the order of the files:
//
//	function.go  a tick, an SLS trigger, or (follow.go) no trigger at all
//	drain.go     one run: lease, worker of the consumer group, receipt
//	sink.go      pages of every shard come in on a few lanes …
//	mapping.go   … where logs become events, appended to HEC batches
//	             (route.go: where Splunk puts them; jsonkeys.go: what of them
//	             is JSON already) …
//	flight.go    … that fly off when they are full, and land
//	timing.go    … if the run sees their end …
//	page.go      a page is confirmed, with its counts, when all its events have landed
//	ledger.go    the receipt, kept before a checkpoint moves past confirmed pages
//	evidence.go  what receipts prove, for verify.go
//
// Checkpoints are the consumer group's: pkg/sls moves one to a cursor when
// every page before it is confirmed.
package slshec
