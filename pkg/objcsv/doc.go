// Package objcsv turns one Logpush object into CSV while it streams by:
// gunzip, find out whether the lines are CSV or NDJSON, write CSV.
//
//	source ─▶ gunzip ─▶ sniff ─┬─ CSV ────▶ as it is ──────────▶ output
//	          (limits)         └─ NDJSON ─▶ walk ─▶ row of cells ─▶ output
//	                                         └─ rejected record ─▶ Reject
//
// What is right of gunzip goes on while gunzip works ahead, in a goroutine of its
// own, where an object turns out large.
//
// # What decides
//
// Bytes decide, names never do. An object is gzip when it starts with the two
// magic bytes. What comes out is unpacked again where it starts with them too,
// three layers deep at most. It is text when no zero byte is among the first
// 4 KiB of what the innermost layer gives; anything else is refused. The text is
// NDJSON when the first line that is not blank, after an optional byte order
// mark, starts as a JSON object does: '{' followed by a name or '}'. A first line
// that starts with '{' and is broken right there leaves the answer to the lines
// after it. Everything else is CSV and passes byte for byte, unparsed.
//
// # NDJSON to CSV
//
// The column list is locked before the first row: the one configured, or the
// first good record's names in their order, which are then written as a header.
// A later name outside the list is counted by name and never moves a column.
//
//   - A string becomes its value: escapes are decoded. A byte that is not
//     UTF-8, and half of a surrogate pair, become U+FFFD and are counted.
//   - A number is copied as text, digit for digit; true and false likewise.
//   - null and a missing field are an empty cell, as is an empty string.
//   - An object or array is compact JSON in one cell, its escapes kept.
//   - Of a name that occurs twice in a record the last value wins, as in
//     encoding/json; each such loss is counted.
//
// Rows end in "\n". A cell is quoted (RFC 4180) when it holds a comma, a quote,
// CR or LF, or starts or ends in a space, and when it is empty and alone in its
// row, which would otherwise be a blank line.
//
// # Nothing vanishes
//
// Records = RecordsOut + Rejected. A record that is malformed, is not an
// object or is longer than allowed goes to the caller's [RejectFunc] whole, as
// a stream, and the rest of the object goes on. An object that cannot be read
// to its verified end fails as a whole: whatever was written to the output by
// then must be discarded.
//
// # Errors
//
// A fault of the object is an [*Error] with a [Code], marked permanent (package
// retry). Errors of the source, the output, the RejectFunc and the context come
// back wrapped and unmarked: they say nothing about the object, so they are
// never mistaken for a truncated one.
package objcsv
