// Package muleaudit exports the audit log of MuleSoft Anypoint organisations
// to a bucket, as gzip NDJSON that a Google SecOps feed reads, each event in
// exactly one object.
//
//	request ─▶ window ─▶ walk ─▶ manifest ─▶ publish ─▶ state ─▶ verify
//	a tick or  new time  pages,  decides     parts in   position  did all
//	a backfill per org   parts   what parts  the output and what  arrive?
//	                     staged  hold                   was read
//
// A run reads what is new of each organisation ([export]): a window from the
// watermark to the settle time before now. A walk goes through it in order of
// time, page by page. What no manifest names yet it writes as finished objects to
// STATE_URL (staged), one draft a slice. A manifest, one create-only object, then
// decides for ever which events the slice's next objects hold. Only after that are
// the objects copied to where the SIEM reads, create-only again. Whatever is
// killed, repeated or overlaps, at most one manifest of a number exists, and
// whoever finds one unpublished publishes the staged bytes. What was exported is
// known from the manifests alone, so a feed may delete the objects it has read.
// What the API returns that is no deliverable entry goes to QUARANTINE_URL
// instead, staged and decided on alike.
//
// A walk commits when it has passed a slice, every quarter of a run's time, and
// when its turn ends; then its position moves, which may stand inside a slice.
// Walks take turns, so that each organisation has its share of the request
// budget; those that would idle take over the rear of a long leg. Once
// all new time is read, [Function.lookBehind] reads again what arrived late.
package muleaudit
