// Package quarantine keeps the records that a function rejects for good, each
// with the reason, until someone has looked at them and replayed them.
//
// Records lie in gzip NDJSON objects named
//
//	<function>/YYYY/MM/DD/<unique>.ndjson.gz
//
// below the bucket URL QUARANTINE_URL. Its default is the folder quarantine/ of
// STATE_URL, which makes that quarantine/<function>/YYYY/MM/DD/… there. A line
// is
//
//	{"function","reason","code","source":{…},"time","encoding","record"}
//
// where source is the record's position and record what was received. Encoding
// is "base64" for a record that is not valid UTF-8, and for one so long
// (1 MiB) that to find out would mean to hold it; else it is absent.
//
// The name is made from the day and an identifier that the caller derives from
// the source, so that a record rejected again, after a crash or by two runs at
// once, takes the place of its first copy. Nothing is deleted but by
// [Store.Forget]: a replay leaves a mark beside, at <function>/replayed/…, as
// does an operator who accepts that records are lost, and an object written
// anew after that is pending again.
package quarantine
