package objcsv

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"testing"

	"github.com/klauspost/compress/gzip"

	"github.com/siemfeed/siemfeed/pkg/objcsv/logpush"
)

// Each pair of benchmarks reads the same gzip bytes; MB/s are decompressed
// bytes. The floor is what no conversion can avoid.

func benchObject(b *testing.B, format logpush.Format) []byte {
	b.Helper()
	var object bytes.Buffer
	n, err := logpush.Gzip(1, 20000, format).WriteTo(&object)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(n)
	b.ReportMetric(float64(n)/float64(object.Len()), "compression")
	return object.Bytes()
}

func benchFloor(b *testing.B, format logpush.Format) {
	object := benchObject(b, format)
	zr := new(gzip.Reader)
	src := bufio.NewReaderSize(nil, chunk)
	for b.Loop() {
		src.Reset(bytes.NewReader(object))
		if err := zr.Reset(src); err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, zr); err != nil {
			b.Fatal(err)
		}
	}
}

func benchConvert(b *testing.B, format logpush.Format, o Options) {
	object := benchObject(b, format)
	c, err := New(o)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Convert(b.Context(), io.Discard, bytes.NewReader(object), nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGunzipCSV(b *testing.B)   { benchFloor(b, logpush.CSV) }
func BenchmarkConvertCSV(b *testing.B)  { benchConvert(b, logpush.CSV, Options{}) }
func BenchmarkGunzipJSON(b *testing.B)  { benchFloor(b, logpush.NDJSON) }
func BenchmarkConvertJSON(b *testing.B) { benchConvert(b, logpush.NDJSON, Options{}) }
func BenchmarkConvertGuard(b *testing.B) {
	benchConvert(b, logpush.NDJSON, Options{FormulaGuard: true})
}

func BenchmarkConvertSubset(b *testing.B) {
	benchConvert(b, logpush.NDJSON, Options{Columns: []string{"URL", "Email", "Action", "Datetime"}})
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
