package logpush

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
)

func generate(t *testing.T, w io.WriterTo) string {
	t.Helper()
	var b bytes.Buffer
	n, err := w.WriteTo(&b)
	if err != nil {
		t.Fatal(err)
	}
	if zr, err := gzip.NewReader(bytes.NewReader(b.Bytes())); err == nil {
		text, err := io.ReadAll(zr)
		if err != nil || int64(len(text)) != n {
			t.Fatal(len(text), n, err)
		}
		return string(text)
	}
	if int64(b.Len()) != n {
		t.Fatal(b.Len(), n)
	}
	return b.String()
}

func TestFormatsAgree(t *testing.T) {
	const n = 300
	text := generate(t, Generate(7, n, NDJSON))
	if text != generate(t, Gzip(7, n, NDJSON)) || text == generate(t, Generate(8, n, NDJSON)) {
		t.Error("the seed alone must decide")
	}
	rows, err := csv.NewReader(bytes.NewBufferString(generate(t, Generate(7, n, CSV)))).ReadAll()
	if err != nil || len(rows) != n {
		t.Fatal(len(rows), err)
	}
	lines := bufio.NewScanner(bytes.NewBufferString(text))
	for _, row := range rows {
		lines.Scan()
		var record map[string]json.RawMessage
		if err := json.Unmarshal(lines.Bytes(), &record); err != nil {
			t.Fatal(err, lines.Text())
		}
		want := make([]string, 0, len(row))
		for _, name := range Columns() {
			cell := string(record[name])
			if cell[0] == '"' {
				if err := json.Unmarshal(record[name], &cell); err != nil {
					t.Fatal(err)
				}
			}
			want = append(want, cell)
		}
		if diff := cmp.Diff(want, row); diff != "" {
			t.Fatal(diff)
		}
	}
}

func TestWriteErrors(t *testing.T) {
	_, w := io.Pipe()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, o := range []io.WriterTo{Generate(1, 1000, CSV), Gzip(1, 1000, CSV)} {
		if _, err := o.WriteTo(w); err == nil {
			t.Error("a failed write went unnoticed")
		}
	}
}
