// Package report makes the proof page: one HTML file, for an auditor or whoever
// is on call, of what the functions did in a span of days and what that rests
// on. It is made of what lies in STATE_URL and QUARANTINE_URL, and of nothing
// else:
//
//	gather.go    receipts and proofs of the span, by day
//	day.go       … summed up, whatever their number
//	proofs.go    which of the proofs a day rests on
//	page.go      the page, from page.html
//	plot.go      … with its drawings
package report
