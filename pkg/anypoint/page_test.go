package anypoint

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// read reads src as a page, no entry of which may be longer than limit.
func read(src io.Reader, limit int) (entries, rejected []string, t trailer, err error) {
	var p page
	p.reset(context.Background(), src, newRoom(), limit, func(raw []byte) error {
		entries = append(entries, string(raw))
		return nil
	}, func(r Rejected) error {
		b, err := io.ReadAll(r.Record)
		rejected = append(rejected, fmt.Sprintf("%d %s %s", r.Index, r.Code, b))
		return err
	})
	t, err = p.parse()
	return entries, rejected, t, err
}

const unlimited = 1 << 24

// reference does the same with encoding/json.
func reference(b []byte) (elements, rejected []string, cursor, total string, ok bool) {
	if !json.Valid(b) {
		return nil, nil, "", "", false
	}
	d := json.NewDecoder(bytes.NewReader(b))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, nil, "", "", false
	}
	var data json.RawMessage
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, nil, "", "", false
		}
		var v json.RawMessage
		if d.Decode(&v) != nil {
			return nil, nil, "", "", false
		}
		switch key {
		case "data":
			if data != nil {
				return nil, nil, "", "", false
			}
			data = v
		case "cursor", "total":
			if v[0] == '{' || v[0] == '[' {
				return nil, nil, "", "", false
			}
			text := string(v)
			if text == "null" {
				text = ""
			}
			if key == "cursor" {
				cursor = text
			} else {
				total = text
			}
		}
	}
	var raws []json.RawMessage
	if len(data) == 0 || data[0] != '[' || json.Unmarshal(data, &raws) != nil {
		return nil, nil, "", "", false
	}
	for i, r := range raws {
		if r[0] != '{' {
			rejected = append(rejected, fmt.Sprintf("%d %s %s", i, NotObject, r))
			continue
		}
		var c bytes.Buffer
		if json.Compact(&c, r) != nil {
			return nil, nil, "", "", false
		}
		elements = append(elements, c.String())
	}
	return elements, rejected, cursor, total, true
}

var pages = []string{
	`{"data":[]}`,
	`{"data":[{"timestamp":1,"a":"b"},{"timestamp":2}],"cursor":"1_a","total":2}`,
	" {\n\t\"total\" : 12 , \"cursor\" : null , \"data\" : [ { \"a\" : [ 1 , 2.50 , -0e+1 , true , false , null ] } , [ ] , { } , \"x y\" ] } \r\n",
	`{"d\u0061ta":["\u00e9\ud83d\ude00\/\"\\","` + "ü\u2028\xff" + `"],"cursor":12345678901234567890}`,
	`{"other":{"data":[1],"cursor":"no"},"data":[1,"}",{"data":[]}],"more":[{"x":"]"}],"cursor":true}`,
	`{"data":[{"a":1,"a":2}],"data":[]}`, `{"data":null}`, `{"cursor":"x"}`, `{"data":[],"cursor":{}}`, `{"data":[],"total":[1]}`,
	``, ` `, `[]`, `null`, `{`, `{}`, `{"data"`, `{"data":`, `{"data":[`, `{"data":[1`, `{"data":[1,`, `{"data":[1]`, `{"data":[1],`, `{"data":[1]}x`, `{"data":[1]}}`,
	`{"data":[1,]}`, `{"data":[,1]}`, `{"data":[1 2]}`, `{"data":[{"a"}]}`, `{"data":[{"a":1,}]}`, `{"data":[{,}]}`, `{"data":[{1:2}]}`, `{,"data":[]}`, `{"data":[]:1}`,
	`{"data":[01]}`, `{"data":[1.]}`, `{"data":[.5]}`, `{"data":[-]}`, `{"data":[1e]}`, `{"data":[+1]}`, `{"data":[1e5]}`, `{"data":[tru]}`, `{"data":[nulll]}`, `{"data":[NaN]}`,
	`{"data":["\x"]}`, `{"data":["\u12g4"]}`, "{\"data\":[\"\n\"]}", "{\"data\":[\"\x00\"]}", "{\"data\":[\x0b1]}", `{"data":["\`, `{"data":["\u12`, `{"data":[{]}`, `{"data":[[}]}`,
	"\ufeff{\"data\":[]}",
}

func FuzzPage(f *testing.F) {
	for _, p := range pages {
		f.Add([]byte(p))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		want, strange, cursor, total, ok := reference(b)
		for name, src := range map[string]io.Reader{
			"whole": bytes.NewReader(b), "byte by byte": iotest.OneByteReader(bytes.NewReader(b)),
			"last with EOF": iotest.DataErrReader(bytes.NewReader(b)),
		} {
			got, rejected, tr, err := read(src, unlimited)
			malformed := slices.ContainsFunc(rejected, func(r string) bool { return strings.Contains(r, " "+Malformed+" ") })
			if ok != (err == nil && !malformed) {
				t.Fatalf("%s: err = %v, rejected %q, but encoding/json takes it: %v\n%q", name, err, rejected, ok, b)
			}
			if ok && (!slices.Equal(got, want) || !slices.Equal(rejected, strange) || string(tr.cursor) != cursor || string(tr.total) != total || tr.entries != len(want)+len(rejected)) {
				t.Fatalf("%s: %q, cursor %s, total %s, rejected %q\nwant %q, cursor %s, total %s, rejected %q", name, got, tr.cursor, tr.total, rejected, want, cursor, total, strange)
			}
			for _, e := range got {
				if !json.Valid([]byte(e)) || e[0] != '{' {
					t.Fatalf("%s: handed out %q", name, e)
				}
			}
		}
	})
}

// pageOf is a page of n entries whose strings are as long as size.
func pageOf(n, size int, space string) []byte {
	entry := `{` + space + `"timestamp":` + space + `1700000000123,` + space + `"payload":` + space + `{"text":"` +
		strings.Repeat(`lorem ipsum \"dolor\" ü `, size/24) + `","ids":[1,` + space + `22,333]}}`
	return []byte(`{"data":[` + strings.Repeat(entry+",", n-1) + entry + `],"cursor":"1_a"}`)
}

// Entries that lie across the ends of the buffer at every offset, and longer
// than it.
func TestEntriesAcrossBuffers(t *testing.T) {
	for _, size := range []int{48, 700, 30_000, 200_000} {
		for _, space := range []string{"", " \n  "} {
			page := pageOf(max(2, 150_000/size), size, space)
			want, _, _, _, ok := reference(page)
			if !ok {
				t.Fatal("the page is no JSON")
			}
			for _, src := range []io.Reader{bytes.NewReader(page), iotest.HalfReader(bytes.NewReader(page))} {
				got, rejected, _, err := read(src, unlimited)
				if err != nil || !slices.Equal(got, want) || rejected != nil {
					t.Errorf("size %d, space %q: %v", size, space, err)
				}
			}
		}
	}
}

func TestPageRefusesEveryPrefix(t *testing.T) {
	page := []byte(pages[1])
	for n := range page {
		if _, _, _, err := read(bytes.NewReader(page[:n]), unlimited); !errors.Is(err, errCutShort) {
			t.Fatalf("%q: err = %v, want cut short", page[:n], err)
		}
	}
}

// What cannot be handed out is set aside as it came, and the rest goes on.
func TestRejectedAlone(t *testing.T) {
	deep := strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001)
	bad := map[string]string{
		`{ "a": "` + strings.Repeat("x", 100_000) + `"}`: TooLong, `{"a":` + strings.Repeat(" ", 50_000) + `1}`: TooLong,
		`7`: NotObject, `"}],"`: NotObject, `[ {"data":[1]} , 2]`: NotObject, `null`: NotObject, `-0.5e+1`: NotObject,
		`{"a":01}`: Malformed, `{"a" 1}`: Malformed, `{'a':1}`: Malformed, `nul`: Malformed, `{"a":"\x"}`: Malformed, `{"a":1,}`: Malformed,
		"{\"a\":\"\n\"}": Malformed, `{"a":` + deep + `}`: Malformed,
	}
	for raw, code := range bad {
		for _, src := range []func(io.Reader) io.Reader{iotest.HalfReader, iotest.DataErrReader} {
			body := `{"data":[{"n": 1},` + raw + ` , {"n":2},` + raw + `],"cursor":"c"}`
			got, rejected, tr, err := read(src(strings.NewReader(body)), 40_000)
			want := []string{fmt.Sprintf("1 %s %s", code, raw), fmt.Sprintf("3 %s %s", code, raw)}
			if err != nil || fmt.Sprint(got) != `[{"n":1} {"n":2}]` || !slices.Equal(rejected, want) || tr.entries != 4 || string(tr.cursor) != `"c"` {
				t.Errorf("%.60q: %v, %q, %.200q", raw, err, got, rejected)
			}
		}
	}
}

func TestEntryOfTheLimitIsNotTooLong(t *testing.T) {
	for _, extra := range []int{0, 1} {
		long := `{"a":"` + strings.Repeat("x", 100_000-8+extra) + `"}`
		got, rejected, _, err := read(strings.NewReader(`{"data":[`+long+`]}`), 100_000)
		if err != nil || len(got) != 1-extra || len(rejected) != extra {
			t.Errorf("%d bytes: err = %v, %d entries, %d rejected", len(long), err, len(got), len(rejected))
		}
	}
}

// However long an entry is, what is held of it is bounded; a handler need not
// read it.
func TestHeldIsBounded(t *testing.T) {
	const limit = 1 << 20
	var p page
	n, most := 0, 0
	p.reset(t.Context(), strings.NewReader(`{"data":[{"x":"`+strings.Repeat("x", 20*limit)+`"},{}]}`), newRoom(), limit,
		func([]byte) error { n++; return nil },
		func(Rejected) error { most = cap(p.held); return nil })
	if _, err := p.parse(); err != nil || n != 1 || most == 0 || most > limit+1 {
		t.Errorf("err = %v, %d entries, held %d bytes", err, n, most)
	}
	if cap(p.held) > ownBuffer {
		t.Errorf("%d bytes are kept", cap(p.held))
	}
}

func TestPagePassesErrors(t *testing.T) {
	boom := errors.New("boom")
	if _, _, _, err := read(io.MultiReader(strings.NewReader(`{"data":[{},`), iotest.ErrReader(boom)), unlimited); !errors.Is(err, boom) {
		t.Errorf("reader's error: got %v", err)
	}
	// One in the middle of a long entry is the reader's too, whatever is made of it.
	long := io.MultiReader(strings.NewReader(`{"data":[{"a":"xxxxxxxxxxxxxxxxxxx`), iotest.ErrReader(boom))
	var p page
	p.reset(t.Context(), long, newRoom(), 10, nil, func(r Rejected) error {
		_, err := io.Copy(io.Discard, r.Record)
		return fmt.Errorf("cannot write: %v", err) //nolint:errorlint // to be told apart
	})
	if _, err := p.parse(); !errors.Is(err, boom) {
		t.Errorf("reader's error in a long entry: got %v", err)
	}
	p.reset(t.Context(), strings.NewReader(pages[1]), newRoom(), unlimited, func([]byte) error { return boom }, nil)
	if _, err := p.parse(); !errors.Is(err, boom) {
		t.Errorf("handler's error: got %v", err)
	}
}

func BenchmarkPage(b *testing.B) {
	for name, body := range map[string][]byte{
		"500B": pageOf(200, 500, ""), "500B-spaced": pageOf(200, 500, "\n  "), "64B": pageOf(200, 64, ""), "200KB": pageOf(20, 200_000, ""),
	} {
		b.Run(name, func(b *testing.B) {
			var p page
			src := bytes.NewReader(body)
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				src.Reset(body)
				p.reset(context.Background(), src, newRoom(), unlimited, func([]byte) error { return nil }, nil)
				if _, err := p.parse(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
