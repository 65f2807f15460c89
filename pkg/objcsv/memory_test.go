package objcsv

import (
	"bytes"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/siemfeed/siemfeed/pkg/objcsv/logpush"
)

// What a conversion allocates must not depend on the number of records.
func TestAllocationsDoNotGrow(t *testing.T) {
	allocations := func(records int, format logpush.Format) float64 {
		var text strings.Builder
		if _, err := logpush.Generate(1, records, format).WriteTo(&text); err != nil {
			t.Fatal(err)
		}
		object := stored(text.String())
		c := newConverter(t, Options{})
		return testing.AllocsPerRun(3, func() {
			if _, err := c.Convert(t.Context(), io.Discard, bytes.NewReader(object), nil); err != nil {
				t.Fatal(err)
			}
		})
	}
	for _, format := range []logpush.Format{logpush.NDJSON, logpush.CSV} {
		few, many := allocations(100, format), allocations(1500, format)
		if many > few+200 { // a garbage collection may empty the pool
			t.Errorf("%s: %v allocations for 100 records, %v for 1500", format, few, many)
		}
	}
}

// Cells far larger than the buffers pass without the buffers growing.
func TestLargeCells(t *testing.T) {
	const size = 1 << 20
	for name, value := range map[string]string{
		"plain":   `"` + strings.Repeat("0123456789abcdef", size/16) + `"`,
		"quoted":  `"` + strings.Repeat("0123456789 ,cdef", size/16) + `"`,
		"escaped": `"` + strings.Repeat(`\"\\`, size/4) + `"`,
		"invalid": `"` + strings.Repeat("\xff", size) + `"`,
		"nested":  "[" + strings.Repeat(`"", `, size/4) + `0]`,
	} {
		in := `{"a":` + value + "}\n"
		object := stored(in)
		c := newConverter(t, Options{})
		var out bytes.Buffer
		out.Grow(4 * size)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		res, err := c.Convert(t.Context(), &out, bytes.NewReader(object), nil)
		runtime.ReadMemStats(&after)
		if err != nil || res.RecordsOut != 1 {
			t.Fatal(name, err)
		}
		// The record itself is held, in a buffer that doubles up to its size.
		if n := after.TotalAlloc - before.TotalAlloc; n > 4*size+1<<20 {
			t.Errorf("%s: %d bytes allocated for a cell of %d", name, n, size)
		}
		want := consult(t, in, nil)
		check(t, in, outcome{csv: out.String(), res: res}, want)
	}
}
