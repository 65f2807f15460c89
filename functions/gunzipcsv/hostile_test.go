package gunzipcsv_test

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"encoding/csv"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/siemfeed/siemfeed/functions/gunzipcsv"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// bomb is a gzip of so many megabytes of one digit in a thousandth of that, made
// from one compressed megabyte put again and again.
func bomb(t testing.TB, megabytes int) []byte {
	t.Helper()
	const block = 1 << 20
	zeros := bytes.Repeat([]byte("0"), block)
	var one bytes.Buffer
	fw, err := flate.NewWriter(&one, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fw.Write(zeros); err != nil {
		t.Fatal(err)
	}
	if err := fw.Flush(); err != nil { // ends at a byte, and refers to nothing before
		t.Fatal(err)
	}
	var b bytes.Buffer
	b.Write([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255})
	for range megabytes {
		b.Write(one.Bytes())
	}
	b.Write([]byte{1, 0, 0, 0xff, 0xff}) // an empty last block
	_ = binary.Write(&b, binary.LittleEndian, crc32.ChecksumIEEE(nil))
	_ = binary.Write(&b, binary.LittleEndian, uint32(block*megabytes%(1<<32)))
	return b.Bytes()
}

// withComment puts a comment of n bytes into the header of a gzip that has none.
func withComment(object []byte, n int) []byte {
	head := bytes.Clone(object[:10])
	head[3] |= 1 << 4 // FCOMMENT, RFC 1952
	return slices.Concat(head, bytes.Repeat([]byte("c"), n), []byte{0}, object[10:])
}

func TestHostileObjects(t *testing.T) {
	const record = `{"a":"1","b":"2"}` + "\n"
	good := gz(t, record)
	many := gz(t, strings.Repeat(record, 20_000))
	badCRC := bytes.Clone(many)
	badCRC[len(badCRC)-6] ^= 0xff
	broken := bytes.Clone(many)
	broken[len(broken)/2] ^= 0x55
	long := `{"a":"` + strings.Repeat("x", 50<<20) + `"}`

	for name, tc := range map[string]struct {
		key    string
		object []byte
		code   string // of the quarantine, empty if it is converted
		want   string // the target
		alone  int    // records in quarantine alone
	}{
		"truncated":          {"t.log.gz", many[:len(many)*2/3], "gzip_truncated", "", 0},
		"only the header":    {"h.log.gz", good[:10], "gzip_truncated", "", 0},
		"bad checksum":       {"c.log.gz", badCRC, "gzip_corrupt", "", 0},
		"broken in the body": {"b.log.gz", broken, "gzip_corrupt", "", 0},
		"trailing garbage":   {"g.log.gz", append(bytes.Clone(many), "garbage"...), "gzip_trailing", "", 0},
		"zero padding":       {"z.log.gz", append(bytes.Clone(good), make([]byte, 512)...), "", "a,b\n1,2\n", 0},
		"not gzip":           {"n.log.gz", []byte("plain text"), "not_gzip", "", 0},
		"empty object":       {"e.log.gz", nil, "empty_object", "", 0},
		"gzip of nothing":    {"x.log.gz", gz(t, ""), "", "", 0},
		"gzip by bytes only": {"y.log", good, "", "a,b\n1,2\n", 0},
		"small bomb":         {"s.log.gz", bomb(t, 80), "ratio", "", 0},
		"bomb of 10 GB":      {"bomb.log.gz", bomb(t, 10_000), "ratio", "", 0},
		"a 50 MB line":       {"l.log.gz", stored(t, record+long+"\n"+record), "", "a,b\n1,2\n1,2\n", 1},
		"invalid UTF-8":      {"u.log.gz", gz(t, "{\"a\":\"\xff\",\"b\":\"2\"}\n"), "", "a,b\n\ufffd,2\n", 0},
		"invalid UTF-8 CSV":  {"v.log.gz", gz(t, "\xff,2\r\n"), "", "\xff,2\r\n", 0},
		"CRLF":               {"r.log.gz", gz(t, "{\"a\":\"1\",\"b\":\"2\"}\r\n"), "", "a,b\n1,2\n", 0},
		"a long header":      {"o.log.gz", withComment(good, 70_000), "", "a,b\n1,2\n", 0},
		"gzip within gzip":   {"w.log.gz", gz(t, string(good)), "", "a,b\n1,2\n", 0},
		"gzip four deep":     {"d.log.gz", gz(t, string(gz(t, string(gz(t, string(good)))))), "not_text", "", 0},
		"UTF-16":             {"i.log.gz", gz(t, "\xff\xfea\x00,\x00b\x00\n\x00"), "not_text", "", 0},
		"a zip":              {"p.log.gz", gz(t, "PK\x03\x04\x14\x00\x00\x00\x08\x00"), "not_text", "", 0},
		"formulas":           {"f.log.gz", gz(t, `{"a":"=cmd|' /C calc'!A0","b":"@x"}`+"\n"), "", "a,b\n=cmd|' /C calc'!A0,@x\n", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			w.put("before.log.gz", good)
			w.put(tc.key, tc.object)
			w.put("later.log.gz", good)
			for _, key := range []string{"before.log.gz", tc.key, "later.log.gz"} {
				w.notify(key)
			}
			r := w.mustTick(w.function())
			w.wantSettled(3)

			want := map[string]string{"before.csv": "a,b\n1,2\n", "later.csv": "a,b\n1,2\n"}
			if tc.code == "" {
				want[strings.TrimSuffix(strings.TrimSuffix(tc.key, ".gz"), ".log")+".csv"] = tc.want
			}
			if got := w.targets(); !maps.Equal(got, want) {
				t.Errorf("targets %.300q, want %.300q", got, want)
			}
			q := w.quarantined()
			if len(q) != tc.alone+int(r.Quarantined) || r.Rejected != int64(tc.alone) {
				t.Fatalf("quarantine %.300v, receipt %+v", q, r)
			}
			if tc.code != "" && (r.Quarantined != 1 || q[0].Code != tc.code || !strings.Contains(string(q[0].Record), tc.key) || q[0].Reason == "") {
				t.Errorf("quarantine %.300v, want %s", q, tc.code)
			}
			if tc.alone > 0 && (q[0].Code != "record_too_long" || !q[0].Long) {
				t.Errorf("quarantine %.300v", q)
			}
		})
	}
}

func TestFormulaGuard(t *testing.T) {
	w := newWorld(t, map[string]string{"CSV_FORMULA_GUARD": "true"})
	w.put("f.log.gz", gz(t, `{"a":"=1+1","b":-1,"c":"ok"}`+"\n"))
	w.notify("f.log.gz")
	w.mustTick(w.function())
	if got := w.targets()["f.csv"]; got != "a,b,c\n'=1+1,-1,ok\n" {
		t.Errorf("%q", got)
	}
}

// The keys a shell, a URL or a careless rule would spoil.
func TestHostileKeys(t *testing.T) {
	keys := []string{
		"a b.log.gz", "a+b.log.gz", "a%20b.log.gz", "a%b.log.gz", "日本/ログ.log.gz", "../up.log.gz", "x/../y.log.gz",
		"2026.01.02/a.log.gz", "2026.01.02/b.log.gz", // split('.')[0] would merge these
		"a.b.log.gz", "a.c.log.gz", "quote\"'.log.gz", "back\\slash.log.gz", "emoji-😀.log.gz", "nl\nnl.log.gz", ".gz", ".log.gz",
		strings.Repeat("long/", 30) + "é.log.gz",
	}
	w := newWorld(t, nil)
	want := map[string]string{}
	for i, key := range keys {
		w.put(key, gz(t, fmt.Sprintf(`{"n":%d}`, i)+"\n"))
		w.notify(key)
	}
	r := w.mustTick(w.function())
	w.wantSettled(len(keys))
	for i, key := range keys {
		target := strings.TrimSuffix(strings.TrimSuffix(key, ".gz"), ".log") + ".csv"
		if _, twice := want[target]; twice {
			continue // ".gz" and ".log.gz": whichever came second is a collision
		}
		want[target] = fmt.Sprintf("n\n%d\n", i)
	}
	got := w.targets()
	delete(got, ".csv")
	delete(want, ".csv")
	if !maps.Equal(got, want) {
		t.Errorf("targets %q, want %q", got, want)
	}
	if q := codes(w.quarantined()); !slices.Equal(q, []string{gunzipcsv.CodeCollision}) || r.Quarantined != 1 {
		t.Errorf("quarantine %v", q)
	}
}

// A directory has no object whose key has a piece . or .. in it: what lies at the
// path that comes of it is another one.
func TestKeysThatAreOtherPaths(t *testing.T) {
	w := newWorld(t, nil)
	w.put("a/b.log.gz", gz(t, "1\n"))
	w.notify("a/b.log.gz")
	wrong := []string{"a/./b.log.gz", "./a/b.log.gz", "a/b.log.gz/.", "a/b.log.gz/..", ".", ".."}
	for _, key := range wrong {
		w.notify(key)
	}
	r := w.mustTick(w.function())
	if got := w.targets(); r.Out != 1 || int(r.Quarantined) != len(wrong) || !maps.Equal(got, map[string]string{"a/b.csv": "1\n"}) {
		t.Errorf("%q, %+v", got, r)
	}
	for _, q := range w.quarantined() {
		if q.Code != gunzipcsv.CodeGone {
			t.Errorf("%+v", q.Entry)
		}
	}
}

func TestPoisonMessages(t *testing.T) {
	w := newWorld(t, nil)
	w.put("ok.log.gz", gz(t, "1,2\n"))
	for _, body := range []string{
		`"text"`, `{}`, `{"hello":1}`, `[]`, `{"action":"Explode","bucket":"logs","object":{"key":"k"}}`,
		`{"action":"PutObject","bucket":"logs","object":{}}`,
	} {
		w.send([]byte(body))
	}
	if _, err := w.queue.Push([]byte{0xff, 0, 0xfe}, "bytes", 0); err != nil {
		t.Fatal(err)
	}
	if _, err := w.queue.Push([]byte("x"), "v8", 0); err != nil {
		t.Fatal(err)
	}
	w.send(message(t, "PutObject", "another-bucket", "ok.log.gz"))
	w.send(message(t, "PutObject", "logs", "gone.log.gz"))
	w.send(message(t, "DeleteObject", "logs", "ok.log.gz"))
	w.send(message(t, "LifecycleDeletion", "logs", "ok.log.gz"))
	w.notify("ok.log.gz")
	r := w.mustTick(w.function())
	w.wantSettled(13)
	if r.In != 13 || r.Out != 1 || r.Filtered != 2 || r.Quarantined != 10 {
		t.Errorf("%+v", r.Core)
	}
	want := slices.Repeat([]string{gunzipcsv.CodeMessage}, 8)
	want = append(want, gunzipcsv.CodeBucket, gunzipcsv.CodeGone)
	slices.Sort(want)
	if got := codes(w.quarantined()); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	// A poison message that comes again takes the place of its first copy.
	for range 2 {
		w.send(message(t, "PutObject", "logs", "gone.log.gz"))
	}
	w.mustTick(w.function())
}

func TestSkippedAndOutside(t *testing.T) {
	w := newWorld(t, map[string]string{"SOURCE_BUCKET": ""})
	w.env["SOURCE_URL"] += "?prefix=logs/"
	w.parts.Source = w.open(w.env["SOURCE_URL"])
	w.put("day/a.log.gz", gz(t, "1\n"))
	w.put("ownership-challenge.txt", []byte("prove it"))
	w.put("empty.txt", nil)
	w.put("one.txt", []byte("1"))
	for _, key := range []string{"logs/day/a.log.gz", "logs/ownership-challenge.txt", "logs/empty.txt", "logs/one.txt", "logs/folder/", "logs/", "other/day/a.log.gz"} {
		w.send(message(t, "PutObject", "any", key))
	}
	r := w.mustTick(w.function())
	if r.In != 7 || r.Out != 1 || r.Filtered != 6 || r.Skipped != 5 || r.Quarantined != 0 {
		t.Errorf("%+v", r)
	}
	if got := w.targets(); !maps.Equal(got, map[string]string{"day/a.csv": "1\n"}) {
		t.Errorf("targets %q", got)
	}
	attrs, err := w.parts.Dest.Attributes(t.Context(), "day/a.csv")
	if err != nil || attrs.Metadata["source-key"] != "logs/day/a.log.gz" || attrs.Metadata["source-etag"] == "" || attrs.Metadata["source-size"] == "" || attrs.ContentType != "text/csv; charset=utf-8" {
		t.Errorf("%+v, %v", attrs, err)
	}
}

func TestMissingSourceBucketIsNotQuarantine(t *testing.T) {
	w := newWorld(t, nil)
	w.env["SOURCE_URL"] += "/gone?create_dir=1"
	w.parts.Source = w.open(w.env["SOURCE_URL"])
	if err := removeDir(w.env["SOURCE_URL"]); err != nil {
		t.Fatal(err)
	}
	w.notify("a.log.gz")
	r, err := run(t, w.function(), tick)
	if err == nil || r.Status != receipt.Failed || r.Quarantined != 0 || r.Returned != 1 || !strings.Contains(err.Error(), "SOURCE_URL") {
		t.Errorf("%v, %+v", err, r)
	}
	if w.queue.Backlog() != 1 {
		t.Errorf("the message is gone")
	}
}

func TestQuotedRows(t *testing.T) {
	w := newWorld(t, map[string]string{"CSV_COLUMNS": "a,b", "CSV_HEADER": "true"})
	w.put("n.log.gz", gz(t, `{"b":"x,\"y\"\nz","a":{"k":[1, 2]}}`+"\n"))
	w.put("c.log.gz", gz(t, "1,2\r\n"))
	w.notify("n.log.gz")
	w.notify("c.log.gz")
	w.mustTick(w.function())
	got := w.targets()
	rows, err := csv.NewReader(strings.NewReader(got["n.csv"])).ReadAll()
	if err != nil || len(rows) != 2 || rows[1][0] != `{"k":[1,2]}` || rows[1][1] != "x,\"y\"\nz" {
		t.Errorf("%q, %v", rows, err)
	}
	if got["c.csv"] != "a,b\r\n1,2\r\n" {
		t.Errorf("%q", got["c.csv"])
	}
}
