package objcsv

import (
	"errors"
	"fmt"

	"github.com/siemfeed/siemfeed/pkg/retry"
)

// Code names why an object or a record was refused. Codes are stable: they are
// written to quarantine and receipts.
type Code string

// Codes of objects that fail as a whole.
const (
	CodeEmptyObject   Code = "empty_object"   // no bytes at all
	CodeNotGzip       Code = "not_gzip"       // no gzip magic bytes; nothing was written
	CodeGzipTruncated Code = "gzip_truncated" // ends inside a member
	CodeGzipCorrupt   Code = "gzip_corrupt"   // bad header, deflate data, checksum or length
	CodeGzipTrailing  Code = "gzip_trailing"  // something other than zeros after the last member
	CodeNotText       Code = "not_text"       // not the text of a log; nothing was written
	CodeJSONArray     Code = "json_array"     // records in a JSON array, and not one a line; nothing was written
	CodeRatio         Code = "ratio"          // Options.MaxRatio
	CodeOutputLimit   Code = "output_limit"   // Options.MaxOutputBytes
	CodeRecord        Code = "record"         // a record to reject, and no RejectFunc
)

// Codes of single records, see [Rejected].
const (
	CodeMalformed     Code = "malformed_json"  // not one JSON value on a line of its own
	CodeNotObject     Code = "not_object"      // JSON, but not an object
	CodeRecordTooLong Code = "record_too_long" // Options.MaxRecordBytes
	CodeNoFields      Code = "no_fields"       // {} where the first record must name the columns
	CodeTooManyFields Code = "too_many_fields" // a first record with more than 4096 names
)

// Error is a fault of the object: it will be the same on every attempt, and is
// returned marked permanent.
type Error struct {
	Code   Code
	Detail string
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %s", e.Code, e.Detail) }

func fault(code Code, format string, args ...any) error {
	return retry.Permanent(&Error{code, fmt.Sprintf(format, args...)})
}

// CodeOf returns the code of the [*Error] that err is or wraps, or "" for an
// error that is not the object's fault.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}
