package anypoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// split runs the splitter over src.
func split(src io.Reader) (elements []string, t trailer, err error) {
	var s splitter
	s.reset(src)
	t, err = s.page(func(raw []byte) error {
		elements = append(elements, string(raw))
		return nil
	})
	return elements, t, err
}

// reference does the same with encoding/json.
func reference(b []byte) (elements []string, cursor, total string, ok bool) {
	if !json.Valid(b) {
		return nil, "", "", false
	}
	d := json.NewDecoder(bytes.NewReader(b))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, "", "", false
	}
	var data json.RawMessage
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, "", "", false
		}
		var v json.RawMessage
		if d.Decode(&v) != nil {
			return nil, "", "", false
		}
		switch key {
		case "data":
			if data != nil {
				return nil, "", "", false
			}
			data = v
		case "cursor", "total":
			if v[0] == '{' || v[0] == '[' {
				return nil, "", "", false
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
		return nil, "", "", false
	}
	for _, r := range raws {
		var c bytes.Buffer
		if json.Compact(&c, r) != nil {
			return nil, "", "", false
		}
		elements = append(elements, c.String())
	}
	return elements, cursor, total, true
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

func FuzzSplit(f *testing.F) {
	for _, p := range pages {
		f.Add([]byte(p))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		want, cursor, total, ok := reference(b)
		for name, src := range map[string]io.Reader{
			"whole": bytes.NewReader(b), "byte by byte": iotest.OneByteReader(bytes.NewReader(b)),
			"last with EOF": iotest.DataErrReader(bytes.NewReader(b)),
		} {
			got, tr, err := split(src)
			if (err == nil) != ok {
				t.Fatalf("%s: err = %v, but encoding/json takes it: %v\n%q", name, err, ok, b)
			}
			if ok && (!slices.Equal(got, want) || string(tr.cursor) != cursor || string(tr.total) != total || tr.entries != len(want)) {
				t.Fatalf("%s: %q, cursor %s, total %s\nwant %q, cursor %s, total %s", name, got, tr.cursor, tr.total, want, cursor, total)
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
func TestSplitAcrossBuffers(t *testing.T) {
	for _, size := range []int{48, 700, 30_000, 200_000} {
		for _, space := range []string{"", " \n  "} {
			page := pageOf(max(2, 150_000/size), size, space)
			want, _, _, ok := reference(page)
			if !ok {
				t.Fatal("the page is no JSON")
			}
			for _, src := range []io.Reader{bytes.NewReader(page), iotest.HalfReader(bytes.NewReader(page))} {
				got, _, err := split(src)
				if err != nil || !slices.Equal(got, want) {
					t.Errorf("size %d, space %q: %v", size, space, err)
				}
			}
		}
	}
}

func TestSplitRefusesEveryPrefix(t *testing.T) {
	page := []byte(pages[1])
	for n := range page {
		if _, _, err := split(bytes.NewReader(page[:n])); !errors.Is(err, errCutShort) {
			t.Fatalf("%q: err = %v, want cut short", page[:n], err)
		}
	}
}

func TestSplitBoundsNesting(t *testing.T) {
	for _, depth := range []int{9998, 9999} {
		page := `{"data":[` + strings.Repeat("[", depth) + strings.Repeat("]", depth) + `]}`
		_, _, _, ok := reference([]byte(page))
		if _, _, err := split(strings.NewReader(page)); (err == nil) != ok || ok != (depth == 9998) {
			t.Errorf("depth %d: err = %v, encoding/json: %v", depth, err, ok)
		}
	}
}

func TestSplitBoundsEntries(t *testing.T) {
	for _, extra := range []int{0, 1} {
		long := `"` + strings.Repeat("x", MaxEntry-2+extra) + `"`
		_, _, err := split(strings.NewReader(`{"data":[` + long + `]}`))
		if got := errors.Is(err, errTooLong); got != (extra == 1) {
			t.Errorf("%d bytes: err = %v", len(long), err)
		}
	}
	// What is skipped takes no room, however long.
	var s splitter
	s.reset(strings.NewReader(`{"skip":["` + strings.Repeat("x", 1<<20) + `"],"data":[]}`))
	if _, err := s.page(nil); err != nil || len(s.buf) > startBuffer {
		t.Errorf("skipping: err = %v, buffer %d bytes", err, len(s.buf))
	}
}

func TestSplitPassesErrors(t *testing.T) {
	boom := errors.New("boom")
	if _, _, err := split(io.MultiReader(strings.NewReader(`{"data":[1,`), iotest.ErrReader(boom))); !errors.Is(err, boom) {
		t.Errorf("reader's error: got %v", err)
	}
	var s splitter
	s.reset(strings.NewReader(pages[1]))
	if _, err := s.page(func([]byte) error { return boom }); !errors.Is(err, boom) {
		t.Errorf("handler's error: got %v", err)
	}
}

func TestSplitDoesNotAllocate(t *testing.T) {
	page := pageOf(200, 500, " ")
	var s splitter
	src := bytes.NewReader(page)
	n := testing.AllocsPerRun(20, func() {
		src.Reset(page)
		s.reset(src)
		if _, err := s.page(func([]byte) error { return nil }); err != nil {
			t.Fatal(err)
		}
	})
	if n > 3 { // the cursor; not one an entry
		t.Errorf("%v allocations a page of 200 entries", n)
	}
}

func BenchmarkSplit(b *testing.B) {
	for name, page := range map[string][]byte{
		"500B": pageOf(200, 500, ""), "500B-spaced": pageOf(200, 500, "\n  "), "64B": pageOf(200, 64, ""), "200KB": pageOf(20, 200_000, ""),
	} {
		b.Run(name, func(b *testing.B) {
			var s splitter
			src := bytes.NewReader(page)
			b.SetBytes(int64(len(page)))
			b.ReportAllocs()
			for b.Loop() {
				src.Reset(page)
				s.reset(src)
				if _, err := s.page(func([]byte) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
