package gunzipcsv_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/siemfeed/siemfeed/functions/gunzipcsv"
	"github.com/siemfeed/siemfeed/pkg/objcsv/logpush"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// generated is a Logpush object, plain and as it lies in the bucket.
func generated(t testing.TB, seed uint64, n int, format logpush.Format) (plain string, object []byte) {
	t.Helper()
	var b bytes.Buffer
	if _, err := logpush.Generate(seed, n, format).WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.String(), gz(t, b.String())
}

func TestThousandObjectsThroughTheQueue(t *testing.T) {
	const objects = 1000 / scale
	w := newWorld(t, map[string]string{"CONCURRENCY": "8"})
	plain := map[string]string{}
	ndjson := map[string]bool{}
	for i := range objects {
		format := logpush.CSV
		if i%2 == 0 {
			format = logpush.NDJSON
		}
		name := fmt.Sprintf("logs/202601%02d/20260102T0304%02dZ_%04d", i%28+1, i%60, i)
		text, object := generated(t, uint64(i), i%5, format)
		if i%5 == 0 && format == logpush.NDJSON {
			object = append(gz(t, ""), object...) // two members, and nothing in either
		}
		w.put(name+".log.gz", object)
		w.notify(name + ".log.gz")
		plain[name+".csv"], ndjson[name+".csv"] = text, format == logpush.NDJSON
	}
	f := w.function()
	r := w.mustTick(f)
	if r.In != objects || r.Out != objects || r.Records == 0 || r.BytesIn == 0 || r.BytesOut == 0 || len(r.Objects) != objects {
		t.Fatalf("receipt %+v", r.Core)
	}
	w.wantSettled(objects)
	before := w.targets()
	if len(before) != objects {
		t.Fatalf("%d targets", len(before))
	}
	for key, got := range before {
		if ndjson[key] {
			wantCells(t, key, got, plain[key])
		} else if got != plain[key] {
			t.Fatalf("%s is not its source", key)
		}
	}

	for key := range plain {
		w.notify(strings.TrimSuffix(key, ".csv") + ".log.gz")
	}
	written := w.modTimes()
	again := w.mustTick(f)
	if again.In != objects || again.Out != 0 || again.Unchanged != objects || again.BytesOut != 0 {
		t.Fatalf("a second delivery: %+v", again.Core)
	}
	w.wantSettled(2 * objects)
	for key, at := range w.modTimes() {
		if !at.Equal(written[key]) {
			t.Fatalf("%s was written again", key)
		}
	}
	w.wantNoSecret()
}

// wantCells checks a table cell by cell against the records it was made of.
func wantCells(t testing.TB, key, table, records string) {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(table)).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	lines := strings.Split(strings.TrimSuffix(records, "\n"), "\n")
	if records == "" {
		if len(rows) != 0 {
			t.Fatalf("%s: %d rows of nothing", key, len(rows))
		}
		return
	}
	if len(rows) != len(lines)+1 {
		t.Fatalf("%s: %d rows of %d records", key, len(rows), len(lines))
	}
	for i, line := range lines {
		var record map[string]json.RawMessage
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatal(err)
		}
		if len(record) != len(rows[0]) {
			t.Fatalf("%s: %d fields, %d columns", key, len(record), len(rows[0]))
		}
		for c, name := range rows[0] {
			want := string(record[name])
			var text string
			if json.Unmarshal(record[name], &text) == nil {
				want = text
			}
			if rows[i+1][c] != want {
				t.Fatalf("%s row %d, %s: %q, want %q", key, i, name, rows[i+1][c], want)
			}
		}
	}
}

func TestReceiptCountsLayers(t *testing.T) {
	w := newWorld(t, nil)
	w.put("1.log.gz", gz(t, "1,2\n"))
	w.put("3.log.gz", gz(t, string(gz(t, string(gz(t, "1,2\n"))))))
	w.notify("1.log.gz")
	w.notify("3.log.gz")
	data, err := json.Marshal(w.mustTick(w.function()).Objects)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(data); strings.Count(got, `"gzip_layers":`) != 1 || !strings.Contains(got, `"gzip_layers":3`) {
		t.Errorf("layers are told of where there is more than one: %s", got)
	}
}

func TestReceipt(t *testing.T) {
	w := newWorld(t, map[string]string{"CSV_COLUMNS": "a,b"})
	w.put("x.log.gz", gz(t, `{"a":1,"new":2}`+"\n"+`{"b":3,"new":4,"other":5}`+"\nbroken\n"))
	w.notify("x.log.gz")
	r := w.mustTick(w.function())
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{
		"function", "run", "status", "in", "out", "filtered", "quarantined", "bytes_in", "bytes_out", "retries", "started_at", "finished_at",
		"objects", "key", "target", "format", "records", "unknown_fields", "skipped", "rejected", "returned", "unchanged",
	} {
		if !strings.Contains(string(data), `"`+key+`":`) {
			t.Errorf("receipt lacks %q: %s", key, data)
		}
	}
	if strings.Contains(string(data), "batchItemFailures") {
		t.Errorf("nobody asked for an answer by message: %s", data)
	}
	if r.UnknownFields["new"] != 2 || r.UnknownFields["other"] != 1 || r.Records != 2 || r.Rejected != 1 || r.Out != 1 || r.Quarantined != 0 {
		t.Errorf("%+v", r)
	}
	var kept gunzipcsv.Receipt
	if err := w.parts.State.ReadJSON(t.Context(), r.Key(), &kept); err != nil || kept.Out != 1 || kept.Status != receipt.OK {
		t.Errorf("kept %+v, %v", kept, err)
	}
	q := w.quarantined()
	if len(q) != 1 || string(q[0].Record) != "broken" || !strings.Contains(string(q[0].Source), `"line":3`) {
		t.Errorf("quarantine %+v", q)
	}
	if got := w.targets()["x.csv"]; got != "1,\n,3\n" {
		t.Errorf("target %q", got)
	}
}
