// Package report makes the proof page: one HTML file, for an auditor or whoever
// is on call, of what the functions did in a span of days and what that rests
// on. It is made of what lies in STATE_URL and QUARANTINE_URL, and of nothing
// else:
//
//	gather.go    what is kept of a function, by day
//	proofs.go    … and the proofs of it
//	verdict.go   what is known of a day, by the proof that it rests on
//	answer.go    what is known of a function, in a sentence
//	page.go      the page, from page.html, page.css and page.js
//	plot.go      … with its drawings
//	serve.go     … shown on this machine
package report
