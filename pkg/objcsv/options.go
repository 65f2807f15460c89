package objcsv

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// Defaults of [Options].
const (
	DefaultMaxRecordBytes = 16 << 20
	DefaultMaxOutputBytes = 20 << 30
	DefaultMaxRatio       = 250
)

const (
	// ratioFloor is the output from which the ratio is looked at: small logs
	// of one repeated line compress far better than any that matter.
	ratioFloor = 64 << 20

	// maxFields bounds the columns a first record can define. Without it a
	// record of two million names would make each later "{}" two megabytes.
	maxFields = 4096

	// maxUnknown bounds the names counted that are not columns, and
	// maxUnknownName their length: both come from the input.
	maxUnknown     = 256
	maxUnknownName = 256
)

// Options say how objects are converted. The zero value is valid.
type Options struct {
	// Columns is the column list for NDJSON and the header's text. Empty means
	// that each NDJSON object's first record defines its own.
	Columns []string
	// Header puts Columns as a first line on every output. A header is written
	// without it where the columns come from the first record. CSV input has
	// no column names of its own: without Columns it gets no header.
	Header bool
	// FormulaGuard puts a ' before a text cell that a spreadsheet would take
	// for a formula: one that starts with = + - @ TAB CR or LF (OWASP, "CSV
	// Injection"). JSON numbers are left alone, and CSV input is not parsed.
	FormulaGuard bool
	// MaxRecordBytes is the longest NDJSON record converted, without its line
	// feed; 0 means [DefaultMaxRecordBytes]. One such record is held in memory.
	MaxRecordBytes int
	// MaxOutputBytes bounds the decompressed bytes of one object, of all layers
	// of gzip together, and the CSV bytes made from it; 0 means
	// [DefaultMaxOutputBytes].
	MaxOutputBytes int64
	// MaxRatio bounds decompressed to compressed bytes, again of all layers
	// together, looked at from 64 MiB of output on; 0 means [DefaultMaxRatio]. Deflate itself cannot exceed
	// about 1030.
	MaxRatio int
}

func (o Options) withDefaults() Options {
	if o.MaxRecordBytes == 0 {
		o.MaxRecordBytes = DefaultMaxRecordBytes
	}
	if o.MaxOutputBytes == 0 {
		o.MaxOutputBytes = DefaultMaxOutputBytes
	}
	if o.MaxRatio == 0 {
		o.MaxRatio = DefaultMaxRatio
	}
	return o
}

// validate names every fault at once.
func (o Options) validate() error {
	var faults []error
	seen := make(map[string]bool, len(o.Columns))
	for _, name := range o.Columns {
		if seen[name] {
			faults = append(faults, fmt.Errorf("column %q is listed twice", name))
		}
		if !utf8.ValidString(name) {
			faults = append(faults, fmt.Errorf("column %q is not valid UTF-8", name))
		}
		seen[name] = true
	}
	if o.MaxRecordBytes < 0 || o.MaxRecordBytes > 1<<30 {
		faults = append(faults, fmt.Errorf("the longest record must be 1 byte to 1 GiB, not %d", o.MaxRecordBytes))
	}
	if o.MaxOutputBytes < 0 {
		faults = append(faults, fmt.Errorf("the output limit must be positive, not %d", o.MaxOutputBytes))
	}
	if o.MaxRatio < 0 {
		faults = append(faults, fmt.Errorf("the decompression ratio must be positive, not %d", o.MaxRatio))
	}
	return errors.Join(faults...)
}
