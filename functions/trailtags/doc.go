// Package trailtags adds the tags of resources to the ActionTrail events that
// touched them, from one logstore of Alibaba Cloud Log Service (SLS) to another.
//
// The way of an event, in the order of the files:
//
//	function.go  a tick, an SLS trigger, or no trigger at all: pkg/sls/consume
//	sink.go      pages of every shard come in …
//	filter.go    … events that are not asked for go no further …
//	event.go     … the others are read, and their resources looked up …
//	wait.go      … those whose tags are not known yet wait, out of their page …
//	row.go       … and become rows, one for each resource …
//	write.go     … which are written in groups, whatever pages they are of.
//	refused.go   A row that SLS refuses goes to quarantine.
//	receipt.go   What became of events, and how many rows they made
//	target.go    verification: whether each row is where it should be …
//	compare.go   … and says what its event does
//
// A page is confirmed when all rows of its events are durable, so that a
// checkpoint stands before an event that still waits, while those behind it go
// out.
package trailtags
