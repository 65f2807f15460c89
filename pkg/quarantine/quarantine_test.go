package quarantine_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"pgregory.net/rapid"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
)

var day = time.Date(2026, 3, 4, 23, 59, 0, 0, time.UTC)

func open(t testing.TB) *bucket.Bucket {
	t.Helper()
	b, err := bucket.Open(context.Background(), "file://"+t.TempDir()+"?prefix=quarantine/&create_dir=1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func read(t testing.TB, s *quarantine.Store, name string) (out []quarantine.Record) {
	t.Helper()
	for r, err := range s.Read(context.Background(), name) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

func TestFormat(t *testing.T) {
	dir := t.TempDir()
	b, err := bucket.Open(t.Context(), "file://"+dir+"?prefix=quarantine/")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	batch := quarantine.New(b, "f").Batch(t.Context(), day, "id")
	for _, record := range []string{`{"a":"<é&"}`, "\xff\x00"} {
		e := quarantine.Entry{Reason: "why", Code: "c", Source: json.RawMessage(`{"line":1}`), Time: day}
		if err := batch.Add(e, strings.NewReader(record)); err != nil {
			t.Fatal(err)
		}
	}
	name, err := batch.Commit()
	if err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob(dir + "/quarantine/f/2026/03/04/*.ndjson.gz")
	if err != nil || len(found) != 1 || !strings.HasSuffix(found[0], name) {
		t.Fatalf("%v, %v: want %s", found, err, name)
	}
	f, err := os.Open(found[0])
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	gz, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(gz)
	if err != nil {
		t.Fatal(err)
	}
	const head = `{"function":"f","reason":"why","code":"c","source":{"line":1},"time":"2026-03-04T23:59:00Z",`
	want := head + `"record":"{\"a\":\"<é&\"}"}` + "\n" + head + `"encoding":"base64","record":"/wA="}` + "\n"
	if string(got) != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func TestRecordsComeBackAsTheyWere(t *testing.T) {
	b := open(t)
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		s := quarantine.New(b, fmt.Sprint("f", n))
		records := rapid.SliceOfN(rapid.OneOf(rapid.SliceOf(rapid.Byte()), rapid.Map(rapid.String(), func(s string) []byte { return []byte(s) })), 1, 5).Draw(t, "records")
		batch := s.Batch(context.Background(), day, "id")
		for i, r := range records {
			if err := batch.Add(quarantine.Entry{Code: fmt.Sprint(i)}, bytes.NewReader(r)); err != nil {
				t.Fatal(err)
			}
		}
		name, err := batch.Commit()
		if err != nil {
			t.Fatal(err)
		}
		i := 0
		for r, err := range s.Read(context.Background(), name) {
			if err != nil || !bytes.Equal(r.Record, records[i]) || r.Code != fmt.Sprint(i) || r.Line != i+1 || r.Time.IsZero() {
				t.Fatalf("record %d: %+v, %v, want %q", i, r, err, records[i])
			}
			i++
		}
		if i != len(records) {
			t.Fatalf("%d of %d records", i, len(records))
		}
	})
}

// letters is n bytes of text.
type letters struct{ n int }

func (l *letters) Read(p []byte) (int, error) {
	if l.n == 0 {
		return 0, io.EOF
	}
	p = p[:min(len(p), l.n)]
	for i := range p {
		p[i] = 'x'
	}
	l.n -= len(p)
	return len(p), nil
}

func TestLongRecord(t *testing.T) {
	const size = 9 << 20
	b := open(t)
	s := quarantine.New(b, "f")
	batch := s.Batch(t.Context(), day, "id")
	for _, n := range []int{size, 3} {
		if err := batch.Add(quarantine.Entry{Source: json.RawMessage(`{"record":"in the source"}`)}, &letters{n}); err != nil {
			t.Fatal(err)
		}
	}
	name, err := batch.Commit()
	if err != nil {
		t.Fatal(err)
	}
	got := read(t, s, name)
	if len(got) != 2 || !got[0].Long || got[0].Record != nil || string(got[0].Source) != `{"record":"in the source"}` || string(got[1].Record) != "xxx" {
		t.Fatalf("%+v", got)
	}
	// All of it is there for whoever has the memory.
	data, err := b.ReadAll(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	gz, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(gz).ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	var w struct{ Encoding, Record string }
	if err := json.Unmarshal(line, &w); err != nil || w.Encoding != "base64" || base64.StdEncoding.DecodedLen(len(w.Record)) < size {
		t.Errorf("%v, encoding %q, %d bytes", err, w.Encoding, len(w.Record))
	}
}

func TestAFailedBatchLeavesNothing(t *testing.T) {
	b := open(t)
	s := quarantine.New(b, "f")
	batch := s.Batch(t.Context(), day, "id")
	broken := errors.New("broken")
	if err := batch.Add(quarantine.Entry{}, io.MultiReader(&letters{5 << 20}, failing{broken})); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	batch.Abort()
	if name, err := s.Batch(t.Context(), day, "none").Commit(); name != "" || err != nil {
		t.Errorf("an empty batch: %q, %v", name, err)
	}
	keys, err := b.Keys(t.Context(), "")
	if err != nil || len(keys) != 0 {
		t.Errorf("left behind %v, %v", keys, err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestPending(t *testing.T) {
	b := open(t)
	s := quarantine.New(b, "f")
	put := func(id string) string {
		name, err := s.Put(t.Context(), day, id, quarantine.Entry{}, []byte(id+time.Now().String()))
		if err != nil {
			t.Fatal(err)
		}
		return name
	}
	pending := func() (out []quarantine.Object) {
		for o, err := range s.Pending(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, o)
		}
		return out
	}
	first := put("1")
	put("2")
	if put("1") != first {
		t.Error("the same record has another name")
	}
	list := pending()
	if len(list) != 2 {
		t.Fatalf("%+v", list)
	}
	for _, o := range list {
		if err := s.Replayed(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	if list := pending(); len(list) != 0 {
		t.Errorf("pending after the replay: %+v", list)
	}
	put("1") // rejected again
	if list := pending(); len(list) != 1 || list[0].Name != first {
		t.Errorf("pending after another rejection: %+v", list)
	}
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"", "\n", "{}\n", `{"record":"x"}`, `{"record":"x","encoding":"base64"}` + "\n", "[]\n",
		`{"function":"f","source":{},"time":"2026-03-04T23:59:00Z","record":"` + strings.Repeat("x", 9<<20) + "\"}\n",
	} {
		f.Add([]byte(seed))
	}
	b := open(f)
	s := quarantine.New(b, "f")
	f.Fuzz(func(t *testing.T, text []byte) {
		var z bytes.Buffer
		gz := gzip.NewWriter(&z)
		_, _ = gz.Write(text)
		_ = gz.Close()
		if err := b.WriteAll(t.Context(), "f/x.ndjson.gz", z.Bytes(), nil); err != nil {
			t.Fatal(err)
		}
		for r, err := range s.Read(t.Context(), "f/x.ndjson.gz") {
			if err == nil && r.Long && r.Record != nil {
				t.Errorf("%+v", r)
			}
		}
	})
}

// An object that is not as a batch is written is told apart from one that the
// store failed to give out.
func TestDamaged(t *testing.T) {
	b, err := bucket.Open(t.Context(), "mem://")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	q := quarantine.New(b, "f")
	good, err := q.Put(t.Context(), time.Now(), "1", quarantine.Entry{Code: "c"}, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	whole, err := b.ReadAll(t.Context(), good)
	if err != nil {
		t.Fatal(err)
	}
	var json bytes.Buffer
	gz := gzip.NewWriter(&json)
	if _, err := gz.Write([]byte("{\"code\":\"c\",\"record\":\"x\"}\n[]\n")); err != nil {
		t.Fatal(err)
	}
	if err := gz.Close(); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"empty": {}, "text": []byte("hello, this is no gzip"), "cut": whole[:len(whole)-9], "no record": json.Bytes()} {
		key := "f/2026/03/01/x.ndjson.gz"
		if err := b.WriteAll(t.Context(), key, text, nil); err != nil {
			t.Fatal(err)
		}
		var last error
		for _, err := range q.Read(t.Context(), key) {
			last = err
		}
		if !quarantine.IsDamaged(last) || !strings.Contains(last.Error(), key) {
			t.Errorf("%s: %v", name, last)
		}
	}
	for _, err := range q.Read(t.Context(), "f/2026/03/01/none.ndjson.gz") {
		if err == nil || quarantine.IsDamaged(err) {
			t.Errorf("none: %v", err)
		}
	}
}
