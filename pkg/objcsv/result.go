package objcsv

import "io"

// Format is what an object's decompressed bytes turned out to be.
type Format string

// Formats of an object.
const (
	FormatNone   Format = "none"   // not found out: see the error
	FormatEmpty  Format = "empty"  // a valid gzip of nothing
	FormatCSV    Format = "csv"    // passed byte for byte
	FormatNDJSON Format = "ndjson" // converted
)

// Result is what one conversion did. It is filled as far as the conversion
// got when there is an error.
type Result struct {
	Format Format
	// Layers counts how often the object is gzipped: 1 as a rule, more for gzip
	// within gzip, 0 for an object without the gzip magic bytes.
	Layers int
	// BytesIn counts compressed bytes read, BytesDecompressed what the innermost
	// layer decompressed to and BytesOut what was written.
	BytesIn, BytesDecompressed, BytesOut int64
	// Records counts NDJSON records (lines that are not blank); each is in
	// RecordsOut or in Rejected. CSV is not parsed: its records are its lines,
	// all of them passed, a line break inside a quoted cell counting as one.
	Records, RecordsOut, Rejected int64
	// Columns is the locked column list, and HeaderWritten tells whether it is
	// the output's first line.
	Columns       []string
	HeaderWritten bool
	// UnknownFields counts, by name, the records with a field that is no
	// column. At most 256 names of at most 256 bytes are told apart;
	// UnknownOther counts the occurrences of all others.
	UnknownFields map[string]int64
	UnknownOther  int64
	// DuplicateKeys counts values lost to a later one of the same name in the
	// same record.
	DuplicateKeys int64
	// Replaced counts bytes that were not UTF-8, and escaped halves of
	// surrogate pairs, that U+FFFD stands for in the output.
	Replaced int64
}

// Rejected is one NDJSON record that could not become a row.
type Rejected struct {
	// Line counts from 1, blank lines included; Offset is where the record
	// starts in the decompressed object, in bytes.
	Line, Offset int64
	Code         Code
	Detail       string
	// Record streams the whole record, of whatever length, as it was received,
	// without its line feed. It is valid until the RejectFunc returns; what is
	// left unread by then is skipped.
	Record io.Reader
}

// RejectFunc takes a record out of the conversion, usually to quarantine. An
// error ends the conversion and is returned. A record may be rejected from an
// object that fails later, and again when that is tried anew.
type RejectFunc func(Rejected) error
