package objcsv

import (
	"bytes"
	"compress/flate"
	stdgzip "compress/gzip"
	"encoding/binary"
	"hash/crc32"
	"io"
	"slices"
	"strings"
	"testing"
)

// header is what the start of a gzip member can hold, RFC 1952 §2.3.1.
type header struct {
	extra         []byte
	name, comment string
	sum           bool
}

// member gzips text behind a header of any length, which no library writes.
func member(t testing.TB, h header, text string) []byte {
	t.Helper()
	b := []byte{0x1f, 0x8b, 8, 0, 0x12, 0x34, 0x56, 0x78, 0, 3}
	if h.extra != nil {
		b[3] |= flagExtra
		b = binary.LittleEndian.AppendUint16(b, uint16(len(h.extra)))
		b = append(b, h.extra...)
	}
	if h.name != "" {
		b[3] |= flagName
		b = append(append(b, h.name...), 0)
	}
	if h.comment != "" {
		b[3] |= flagComment
		b = append(append(b, h.comment...), 0)
	}
	if h.sum {
		b[3] |= flagHeaderCRC
		b = binary.LittleEndian.AppendUint16(b, uint16(crc32.ChecksumIEEE(b)))
	}
	var body bytes.Buffer
	w, err := flate.NewWriter(&body, flate.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	b = append(b, body.Bytes()...)
	b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE([]byte(text)))
	return binary.LittleEndian.AppendUint32(b, uint32(len(text)))
}

// everything is a header with all that there is, longer than any buffer.
func everything() header {
	return header{
		extra: bytes.Repeat([]byte("AB\x02\x00\x00\x1f"), 10_000),
		name:  strings.Repeat("/a/long/päth", 9000), comment: strings.Repeat("x", 200_000), sum: true,
	}
}

func TestHeadersOfAnyLength(t *testing.T) {
	long := func(n int) string { return strings.Repeat("n", n) }
	for name, h := range map[string]header{
		"none":            {},
		"name of 511":     {name: long(511)},
		"name of 512":     {name: long(512)},
		"name of 1 MiB":   {name: long(1 << 20)},
		"comment of 512":  {comment: long(512)},
		"comment, 1 MiB":  {comment: long(1 << 20)},
		"empty extra":     {extra: []byte{}},
		"longest extra":   {extra: bytes.Repeat([]byte{0}, 65535)},
		"checksum":        {sum: true},
		"name, checksum":  {name: long(70_000), sum: true},
		"all of them":     everything(),
		"Latin-1 comment": {comment: long(600) + "\xe9\xff"},
	} {
		first, second := member(t, h, lines3[:11]), member(t, h, lines3[11:])
		for _, object := range [][]byte{
			slices.Concat(first, second),
			slices.Concat(gz(t, lines3[:11]), second), // a later member alone
			gz(t, string(first)+string(second)),       // inside another layer
		} {
			o := convert(t, newConverter(t, Options{}), object)
			if o.err != nil || o.csv != "a\n1\n2\n3\n" {
				t.Errorf("%s: %v, %q", name, o.err, o.csv)
			}
		}
	}
}

func TestHeaderFaults(t *testing.T) {
	good := member(t, header{name: "x", sum: true}, lines3)
	change := func(at int, b byte) []byte {
		bad := slices.Clone(good)
		bad[at] ^= b
		return bad
	}
	reserved := member(t, header{}, lines3) // without a checksum of the header
	reserved[3] |= 0x40
	endless := append([]byte{0x1f, 0x8b, 8, flagName, 0, 0, 0, 0, 0, 3}, strings.Repeat("n", 100_000)...)
	for name, tt := range map[string]struct {
		object []byte
		code   Code
	}{
		"reserved flag":        {reserved, CodeGzipCorrupt},
		"time, under checksum": {change(5, 1), CodeGzipCorrupt},
		"name, under checksum": {change(10, 1), CodeGzipCorrupt},
		"checksum itself":      {change(12, 1), CodeGzipCorrupt},
		"of the second member": {slices.Concat(good, change(12, 1)), CodeGzipCorrupt},
		"of the layer inside":  {gz(t, string(change(12, 1))), CodeGzipCorrupt},
		"a name without end":   {endless, CodeGzipTruncated},
	} {
		if o := convert(t, newConverter(t, Options{}), tt.object); CodeOf(o.err) != tt.code {
			t.Errorf("%s: %v, want %s", name, o.err, tt.code)
		}
	}
}

// A header is passed over, not kept.
func TestHeadersTakeNoMemory(t *testing.T) {
	c := newConverter(t, Options{})
	allocated := func(object []byte) float64 {
		return testing.AllocsPerRun(3, func() {
			if _, err := c.Convert(t.Context(), io.Discard, bytes.NewReader(object), nil); err != nil {
				t.Fatal(err)
			}
		})
	}
	plain := bytes.Repeat(member(t, header{}, lines3), 50)
	long := bytes.Repeat(member(t, everything(), lines3), 50)
	if few, many := allocated(plain), allocated(long); many > few+20 { // a garbage collection may empty the pool
		t.Errorf("%v allocations with short headers, %v with long ones", few, many)
	}
}

func TestGzipWithinGzip(t *testing.T) {
	csv := strings.Repeat("1,2\n", 100_000)
	object := []byte(csv)
	for depth := 1; depth <= maxLayers; depth++ {
		object = slices.Concat(gz(t, string(object[:len(object)/2])), gz(t, string(object[len(object)/2:])))
		o := convert(t, newConverter(t, Options{}), object)
		if o.err != nil || o.csv != csv {
			t.Fatalf("%d deep: %v, %d bytes", depth, o.err, len(o.csv))
		}
		r := o.res
		if r.Layers != depth || r.BytesIn != int64(len(object)) || r.BytesDecompressed != int64(len(csv)) || r.Records != 100_000 {
			t.Errorf("%d deep: %+v", depth, r)
		}
	}
	o := convert(t, newConverter(t, Options{}), gz(t, string(object)))
	if CodeOf(o.err) != CodeNotText || o.csv != "" {
		t.Errorf("one layer too many: %v, %q", o.err, o.csv)
	}
}

// What is inside obeys the rules of what is outside.
func TestFaultsInside(t *testing.T) {
	inner := gz(t, lines3)
	bad := slices.Clone(inner)
	bad[len(bad)-8] ^= 1
	for name, tt := range map[string]struct {
		inner []byte
		code  Code
	}{
		"good":                 {inner, ""},
		"padded":               {slices.Concat(inner, make([]byte, 9000)), ""},
		"only magic":           {inner[:2], CodeGzipTruncated},
		"half":                 {inner[:len(inner)/2], CodeGzipTruncated},
		"bad checksum":         {bad, CodeGzipCorrupt},
		"garbage behind":       {slices.Concat(inner, []byte("garbage")), CodeGzipTrailing},
		"second one truncated": {slices.Concat(inner, inner[:15]), CodeGzipTruncated},
	} {
		for depth, object := 2, gz(t, string(tt.inner)); depth <= maxLayers; depth, object = depth+1, gz(t, string(object)) {
			if o := convert(t, newConverter(t, Options{}), object); CodeOf(o.err) != tt.code {
				t.Errorf("%s, %d deep: %v, want %q", name, depth, o.err, tt.code)
			}
		}
	}
}

func TestNotText(t *testing.T) {
	utf16 := func(s string) (b string) {
		for _, r := range s {
			b += string([]byte{byte(r), byte(r >> 8)})
		}
		return b
	}
	early, late := strings.Repeat("a,b\n", 1023), strings.Repeat("a,b\n", 1024)
	for name, tt := range map[string]struct {
		text string
		code Code
	}{
		"UTF-16":                {"\xff\xfe" + utf16("{\"a\":1}\n"), CodeNotText},
		"zip":                   {"PK\x03\x04\x14\x00\x00\x00\x08\x00", CodeNotText},
		"parquet":               {"PAR1\x15\x04\x15\x00", CodeNotText},
		"tar":                   {"log.json" + strings.Repeat("\x00", 504), CodeNotText},
		"zero in the 4096th":    {early + "a,\x00\n", CodeNotText},
		"zero in the 4097th":    {late + "\x00,b\n", ""},
		"Shift JIS":             {"\x8c\xa9\x90\xcf,1\n", ""},
		"an escaped zero":       {`{"a":"\u0000"}` + "\n", ""},
		"one control character": {"\x1f,1\n", ""},
	} {
		for depth, object := 1, gz(t, tt.text); depth <= maxLayers; depth, object = depth+1, gz(t, string(object)) {
			o := convert(t, newConverter(t, Options{Header: true, Columns: []string{"x"}}), object)
			if CodeOf(o.err) != tt.code || tt.code != "" && (o.csv != "" || o.res.Layers != depth) {
				t.Errorf("%s, %d deep: %v, %q, want %q", name, depth, o.err, o.csv, tt.code)
			}
		}
	}
}

// The limits hold whichever layer grows: a small inner layer must not hide a
// large outer one, nor the two share what each is allowed.
func TestLimitsOverLayers(t *testing.T) {
	const unit, units, few = 1 << 20, ratioFloor>>20 + 1, 4 << 20
	// A member of a megabyte, again and again.
	grown := func(text string) []byte { return bytes.Repeat(gz(t, text), units) }
	empty := string(member(t, header{comment: strings.Repeat("c", unit/16)}, ""))
	for name, object := range map[string][]byte{
		"the inner one grows": gz(t, string(grown(strings.Repeat("0", unit)))),
		"the outer one grows": grown(strings.Repeat(empty, 16)),
		"padding inside":      slices.Concat(gz(t, string(gz(t, lines3))), grown(strings.Repeat("\x00", unit))),
	} {
		if o := convert(t, newConverter(t, Options{}), object); CodeOf(o.err) != CodeRatio {
			t.Errorf("%s: %v", name, o.err)
		}
		if o := convert(t, newConverter(t, Options{MaxRatio: 1 << 20, MaxOutputBytes: few}), object); CodeOf(o.err) != CodeOutputLimit {
			t.Errorf("%s: %v", name, o.err)
		}
	}
	text := strings.Repeat("1,2\n", 1<<18)
	inner := stored(text)
	sum := int64(len(text) + len(inner))
	for limit, want := range map[int64]Code{sum: "", sum - 1: CodeOutputLimit} {
		if o := convert(t, newConverter(t, Options{MaxOutputBytes: limit}), gz(t, string(inner))); CodeOf(o.err) != want {
			t.Errorf("limit %d: %v", limit, o.err)
		}
	}
}

// FuzzGzip compares with the standard library, on what that can read at all.
func FuzzGzip(f *testing.F) {
	f.Add(gz(f, lines3))
	f.Add(slices.Concat(gz(f, lines3), gz(f, "")))
	f.Add(gz(f, string(gz(f, lines3))))
	f.Add(member(f, header{extra: []byte("x"), name: "n", comment: "c", sum: true}, "1,2\n"))
	f.Add(slices.Concat(gz(f, "1\n"), member(f, header{sum: true}, "2\n")))
	c, err := New(Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, object []byte) {
		want := object
		depth := 0
		for bytes.HasPrefix(want, []byte(magicBytes)) {
			zr, err := stdgzip.NewReader(bytes.NewReader(want))
			if err != nil {
				return
			}
			if want, err = io.ReadAll(io.LimitReader(zr, 1<<20)); err != nil || len(want) == 1<<20 {
				return
			}
			depth++
		}
		o := convertFrom(t.Context(), c, bytes.NewReader(object))
		if o.err != nil && strings.Contains(o.err.Error(), errMethod.Error()) {
			return // reserved flags, which the library lets pass against RFC 1952 §2.3.1.2
		}
		switch {
		case depth == 0 && len(object) == 0:
			if CodeOf(o.err) != CodeEmptyObject {
				t.Fatal(o.err)
			}
		case depth == 0:
			if CodeOf(o.err) != CodeNotGzip {
				t.Fatal(o.err)
			}
		case depth > maxLayers || bytes.IndexByte(want[:min(len(want), lookAhead)], 0) >= 0:
			if CodeOf(o.err) != CodeNotText {
				t.Fatal(o.err)
			}
		default:
			if o.err != nil || o.res.Layers != depth || o.res.BytesDecompressed != int64(len(want)) {
				t.Fatal(o.err, o.res)
			}
			if o.res.Format != FormatNDJSON && o.csv != string(want) {
				t.Fatalf("%q, want %q", o.csv, want)
			}
		}
	})
}
