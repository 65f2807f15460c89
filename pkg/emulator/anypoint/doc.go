// Package anypoint is a server that behaves like MuleSoft Anypoint Platform as
// far as its audit log goes: the token endpoint, business groups, and the Audit
// Log Query API v2 with cursor and offset paging, inclusive millisecond bounds
// and a request budget that answers 503 until the minute is over.
//
// What the vendor documents is done as documented; where it is silent (error
// bodies, the largest page) the server does what public collectors report, and
// [Deviations] make it differ where a client must not rely on it. The
// events are kept as the bytes they were added with and sent verbatim. They may
// be held in memory ([Server.Add]) or made up on demand ([Server.AddSynthetic])
// so that a million of them cost nothing.
package anypoint
