// Package muleaudit exports the audit log of MuleSoft Anypoint organisations
// to a bucket, as gzip NDJSON that a Google SecOps feed reads, each event in
// exactly one object.
//
//	trigger ─▶ window ─▶ slices ─▶ look ─▶ stage ─▶ claim ─▶ publish ─▶ watermark
//	           a span    aligned   pages   parts in  what is  parts in   all before
//	           per org   hours     of API  STATE_URL decided  the output it is out
//
// A look reads one slice of one organisation from the API and keeps what no
// earlier look exported. That is written as finished objects to STATE_URL
// (staged), then claimed: one create-only object decides for ever which events
// the slice's next objects hold. Only then are the objects copied to where the
// SIEM reads, create-only again. Whatever is killed, repeated or overlaps, at
// most one claim of a number exists, and whoever finds one unpublished
// publishes the staged bytes. What was exported is known from the claims alone,
// so a feed may delete the objects it has read. What the API returns that is no
// deliverable entry goes to QUARANTINE_URL instead, and is claimed alike.
package muleaudit
