package objcsv

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/siemfeed/siemfeed/pkg/objcsv/logpush"
)

// What the profile says of gateway_http records: half the time of NDJSON to
// CSV is the gunzip, a quarter finds the values, the rest writes them. In the
// walk, finding a name's column costs more than its value: guessing it (see
// fields) made the whole a third faster. Scanning strings eight bytes at a
// time changed nothing, as half of them are shorter than that.

func benchObject(b *testing.B, format logpush.Format) []byte {
	b.Helper()
	var object bytes.Buffer
	n, err := logpush.Gzip(1, 2000, format).WriteTo(&object)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(n) // MB/s are decompressed bytes
	return object.Bytes()
}

func converting(b *testing.B, o Options) func(object []byte) {
	c, err := New(o)
	if err != nil {
		b.Fatal(err)
	}
	return func(object []byte) {
		if _, err := c.Convert(b.Context(), io.Discard, bytes.NewReader(object), nil); err != nil {
			b.Fatal(err)
		}
	}
}

// gunzipping is the floor: what no conversion can avoid.
func gunzipping(b *testing.B) func(object []byte) {
	zr, src := new(gzip.Reader), bufio.NewReaderSize(nil, chunk)
	return func(object []byte) {
		src.Reset(bytes.NewReader(object))
		if err := zr.Reset(src); err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, zr); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkConvert reports the speed of a conversion as a part of the floor's
// in the same run. Both are taken at their best of many short turns: other processes can only
// make them slower. The time per operation is that of the pair.
func BenchmarkConvert(b *testing.B) {
	for _, bm := range []struct {
		name   string
		format logpush.Format
		opts   Options
	}{
		{"CSV", logpush.CSV, Options{}},
		{"NDJSON", logpush.NDJSON, Options{}},
		{"NDJSON/guard", logpush.NDJSON, Options{FormulaGuard: true}},
		{"NDJSON/four columns", logpush.NDJSON, Options{Columns: []string{"URL", "Email", "Action", "Datetime"}}},
	} {
		b.Run(bm.name, func(b *testing.B) {
			object := benchObject(b, bm.format)
			convert, gunzip := converting(b, bm.opts), gunzipping(b)
			best := func(old time.Duration, f func([]byte)) time.Duration {
				start := time.Now()
				f(object)
				return min(old, time.Since(start))
			}
			ours, floor := time.Hour, time.Hour
			for b.Loop() {
				floor = best(floor, gunzip)
				ours = best(ours, convert)
			}
			b.ReportMetric(floor.Seconds()/ours.Seconds(), "of-floor")
		})
	}
}

func BenchmarkNDJSON(b *testing.B) {
	object := benchObject(b, logpush.NDJSON)
	convert := converting(b, Options{})
	b.ReportAllocs()
	for b.Loop() {
		convert(object)
	}
}

// BenchmarkStandardLibrary is the conversion as one would write it first.
func BenchmarkStandardLibrary(b *testing.B) {
	object := benchObject(b, logpush.NDJSON)
	columns := logpush.Columns()
	for b.Loop() {
		zr, err := gzip.NewReader(bytes.NewReader(object))
		if err != nil {
			b.Fatal(err)
		}
		w := csv.NewWriter(io.Discard)
		row := make([]string, len(columns))
		for d := json.NewDecoder(zr); ; {
			var record map[string]json.RawMessage
			if err := d.Decode(&record); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
			for i, name := range columns {
				row[i] = string(record[name])
				if len(row[i]) > 0 && row[i][0] == '"' {
					if err := json.Unmarshal(record[name], &row[i]); err != nil {
						b.Fatal(err)
					}
				}
			}
			if err := w.Write(row); err != nil {
				b.Fatal(err)
			}
		}
		w.Flush()
	}
}
