// Package slshec forwards the logs of an Alibaba Cloud Log Service (SLS)
// logstore to Splunk's HTTP Event Collector (HEC). It is a sink of pkg/sls/consume,
// which reads the logstore, keeps receipts and moves checkpoints.
//
// The way of a log, in the order of the files:
//
//	function.go    a consumer of the logstore, and a client of HEC
//	sink.go        pages of every shard come in, and are handed to a few writers …
//	mapping.go     … where logs become events, appended to HEC batches
//	               (route.go: where Splunk puts them; jsonkeys.go: what of them
//	               is JSON already) …
//	send.go        … that are sent when they are full, and settle their pages
//	quarantine.go  what Splunk refuses, and (replay.go) how it comes back
//	receipt.go     what of it all the receipt says
package slshec
