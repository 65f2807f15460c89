// Package cause tells what is behind an error, in terms of who has to change
// what: a name that does not resolve is no wrong secret, and a bucket that is
// missing is none that may not be read.
//
//	error ─┬─ a client's own, which knows its service's codes   [Known]
//	       ├─ an answer's status                                [OfStatus]
//	       └─ no answer: proxy, TLS, DNS, connection, time
//
// Clients say what they know by a method; nothing else about them is known here.
package cause
