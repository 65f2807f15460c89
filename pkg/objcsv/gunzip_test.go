package objcsv

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"

	"github.com/siemfeed/siemfeed/pkg/retry"
)

const lines3 = "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n"

func TestHostileObjects(t *testing.T) {
	good := gz(t, lines3)
	badCRC := slices.Clone(good)
	badCRC[len(badCRC)-8] ^= 1
	badSize := slices.Clone(good)
	badSize[len(badSize)-1] ^= 1
	for _, tt := range []struct {
		name   string
		object []byte
		code   Code // "" is converted
	}{
		{"good", good, ""},
		{"two members", slices.Concat(gz(t, lines3[:11]), gz(t, lines3[11:])), ""},
		{"empty members", slices.Concat(gz(t, ""), gz(t, ""), good, gz(t, "")), ""},
		{"zero padding", slices.Concat(good, make([]byte, 100000)), ""},
		{"empty object", nil, CodeEmptyObject},
		{"plain text", []byte(lines3), CodeNotGzip},
		{"one byte", good[:1], CodeNotGzip},
		{"only magic", good[:2], CodeGzipTruncated},
		{"only a header", good[:10], CodeGzipTruncated},
		{"no trailer", good[:len(good)-8], CodeGzipTruncated},
		{"second member truncated", slices.Concat(good, good[:len(good)-1]), CodeGzipTruncated},
		{"second header truncated", slices.Concat(good, good[:5]), CodeGzipTruncated},
		{"unknown method", []byte{0x1f, 0x8b, 9, 0, 0, 0, 0, 0, 0, 0, 0}, CodeGzipCorrupt},
		{"bad checksum", badCRC, CodeGzipCorrupt},
		{"bad length", badSize, CodeGzipCorrupt},
		{"second checksum bad", slices.Concat(good, badCRC), CodeGzipCorrupt},
		{"trailing garbage", slices.Concat(good, []byte("garbage")), CodeGzipTrailing},
		{"trailing byte", slices.Concat(good, []byte{0x1f}), CodeGzipTrailing},
		{"garbage after padding", slices.Concat(good, make([]byte, 100000), good), CodeGzipTrailing},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newConverter(t, Options{})
			for name, src := range map[string]io.Reader{
				"at once":    bytes.NewReader(tt.object),
				"one by one": iotest.OneByteReader(bytes.NewReader(tt.object)),
				"with EOF":   iotest.DataErrReader(bytes.NewReader(tt.object)),
			} {
				o := convertFrom(t.Context(), c, src)
				if CodeOf(o.err) != tt.code || retry.IsPermanent(o.err) != (tt.code != "") {
					t.Fatalf("%s: %v, want %q", name, o.err, tt.code)
				}
				if o.err == nil && o.csv != "a\n1\n2\n3\n" {
					t.Errorf("%s: %q", name, o.csv)
				}
				if o.err == nil && o.res.BytesIn != int64(len(tt.object)) {
					t.Errorf("%s: read %d of %d bytes", name, o.res.BytesIn, len(tt.object))
				}
				if tt.code == CodeNotGzip && (o.res.Layers != 0 || o.csv != "" || o.res.Format != FormatNone) {
					t.Errorf("%s: %+v, %q", name, o.res, o.csv)
				}
			}
		})
	}
}

// Wherever a download breaks, the connection is blamed; wherever an object
// ends, the object is.
func TestEveryCut(t *testing.T) {
	more := strings.Repeat("{\"a\":\"x\\ny\"}\n", 50)
	long := header{extra: make([]byte, 300), name: strings.Repeat("n", 520), comment: strings.Repeat("c", 20), sum: true}
	for name, members := range map[string][2][]byte{
		"plain":        {gz(t, lines3), gz(t, more)},
		"long headers": {member(t, long, lines3), member(t, long, more)},
		"two layers":   {gz(t, string(gz(t, lines3))), gz(t, string(gz(t, more)))},
		"three layers": {gz(t, string(gz(t, string(gz(t, lines3))))), gz(t, string(gz(t, string(gz(t, more)))))},
		"split inside": {gz(t, string(gz(t, lines3)[:9])), gz(t, string(gz(t, lines3)[9:]))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cutEverywhere(t, slices.Concat(members[0], members[1]), len(members[0]), name == "split inside")
		})
	}
}

// cutEverywhere cuts object, whose first member has whole bytes: a cut between
// members cannot be seen, unless it is one inside too.
func cutEverywhere(t *testing.T, object []byte, whole int, inside bool) {
	c := newConverter(t, Options{})
	boom := fmt.Errorf("Get %q: %w", "https://bucket", io.EOF) // net/http's words, and not an end
	for n := range object {
		head := bytes.NewReader(object[:n])
		broken := convertFrom(t.Context(), c, io.MultiReader(head, iotest.ErrReader(boom)))
		if !errors.Is(broken.err, boom) || retry.IsPermanent(broken.err) {
			t.Fatalf("broken at %d: %v", n, broken.err)
		}
		want := CodeGzipTruncated
		switch {
		case n == 0:
			want = CodeEmptyObject
		case n == 1:
			want = CodeNotGzip
		case n == whole && !inside:
			want = ""
		case n == whole+1:
			want = CodeGzipTrailing
		}
		if o := convert(t, c, object[:n]); CodeOf(o.err) != want {
			t.Fatalf("truncated at %d of %d: %v", n, len(object), o.err)
		}
		short := convertFrom(t.Context(), c, Exactly(bytes.NewReader(object[:n]), int64(len(object))))
		if !errors.Is(short.err, io.ErrUnexpectedEOF) || retry.IsPermanent(short.err) {
			t.Fatalf("shorter than announced at %d: %v", n, short.err)
		}
	}
	if o := convertFrom(t.Context(), c, Exactly(bytes.NewReader(object), int64(len(object)))); o.err != nil {
		t.Error(o.err)
	}
}

func TestEveryFlip(t *testing.T) {
	summed := header{extra: []byte("AB\x01\x00x"), name: "name", comment: strings.Repeat("c", 40), sum: true}
	for name, tt := range map[string]struct {
		object []byte
		from   int                   // bytes before have no meaning, or another one
		pack   func(p []byte) []byte // what the flipped object lies in
	}{
		"plain":            {gz(t, lines3), 10, nil},
		"header under sum": {member(t, summed, lines3), 4, nil},
		"outside":          {gz(t, string(gz(t, lines3))), 10, nil},
		"inside":           {gz(t, lines3), 10, func(p []byte) []byte { return gz(t, string(p)) }},
		"sum inside":       {member(t, summed, lines3), 4, func(p []byte) []byte { return stored(string(p)) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.pack == nil {
				tt.pack = func(p []byte) []byte { return p }
			}
			c := newConverter(t, Options{})
			want := convert(t, c, tt.pack(tt.object))
			if want.err != nil {
				t.Fatal(want.err)
			}
			for i := tt.from; i < len(tt.object); i++ {
				for bit := range 8 {
					bad := slices.Clone(tt.object)
					bad[i] ^= 1 << bit
					o := convert(t, c, tt.pack(bad))
					if o.err == nil && o.csv == want.csv {
						continue // the padding before a stored block has no meaning either
					}
					if CodeOf(o.err) == "" || !retry.IsPermanent(o.err) {
						t.Fatalf("bit %d of byte %d: %v, %q", bit, i, o.err, o.csv)
					}
				}
			}
		})
	}
}

// TestBomb serves 10 GB in 10 MB.
func TestBomb(t *testing.T) {
	for name, text := range map[string]string{"csv": "0", "ndjson": `{"a":1}` + strings.Repeat(" ", 1<<20) + "\n"} {
		var b bytes.Buffer
		w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
		if _, err := io.WriteString(w, strings.Repeat(text, (10<<20)/len(text))); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		member, left := b.Bytes(), 1000
		src := readFunc(func(p []byte) (int, error) {
			if left == 0 {
				return 0, io.EOF
			}
			left--
			return copy(p, member), nil
		})
		if len(member) > 16<<10 {
			t.Fatalf("a member of %d bytes is no bomb", len(member))
		}
		res, err := newConverter(t, Options{}).Convert(t.Context(), io.Discard, src, nil)
		if CodeOf(err) != CodeRatio || !retry.IsPermanent(err) {
			t.Errorf("%s: %v", name, err)
		}
		if res.BytesDecompressed > ratioFloor+chunk || res.BytesIn > 1<<20 {
			t.Errorf("%s: stopped late: %+v", name, res)
		}
	}
}

func TestOutputLimit(t *testing.T) {
	csv := gz(t, strings.Repeat("1,2\n", 1000))
	for limit, want := range map[int64]Code{4000: "", 3999: CodeOutputLimit} {
		if o := convert(t, newConverter(t, Options{MaxOutputBytes: limit}), csv); CodeOf(o.err) != want {
			t.Errorf("%d: %v", limit, o.err)
		}
	}
	// Records can be larger than their rows.
	spaced := gz(t, strings.Repeat(`{"a":1}`+strings.Repeat(" ", 1000)+"\n", 1000))
	if o := convert(t, newConverter(t, Options{MaxOutputBytes: 1 << 19}), spaced); CodeOf(o.err) != CodeOutputLimit {
		t.Error(o.err)
	}
	// Rows can be larger than their records.
	o := newConverter(t, Options{MaxOutputBytes: 1 << 20, Columns: make26()})
	if got := convert(t, o, gz(t, strings.Repeat("{}\n", 100000))); CodeOf(got.err) != CodeOutputLimit || len(got.csv) > 1<<20 {
		t.Errorf("%v after %d bytes", got.err, len(got.csv))
	}
}

func make26() (names []string) {
	for c := 'a'; c <= 'z'; c++ {
		names = append(names, string(c))
	}
	return names
}
