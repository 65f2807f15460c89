package objcsv

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// oracle is the conversion as encoding/json understands it.
type oracle struct {
	columns  []string
	rows     [][]string
	rejected []string
	unknown  map[string]int64
}

func consult(t fataler, ndjson string, columns []string) oracle {
	o := oracle{columns: columns, unknown: map[string]int64{}}
	for line := range strings.SplitSeq(ndjson, "\n") {
		if strings.Trim(line, " \t\r") == "" {
			continue
		}
		var members map[string]json.RawMessage
		if json.Unmarshal([]byte(line), &members) != nil || members == nil {
			o.rejected = append(o.rejected, line)
			continue
		}
		if o.columns == nil {
			if len(members) == 0 {
				o.rejected = append(o.rejected, line)
				continue
			}
			o.columns = names(t, line)
			o.rows = append(o.rows, o.columns)
		}
		row := make([]string, len(o.columns))
		for i, name := range o.columns {
			row[i] = cell(t, members[name])
			delete(members, name)
		}
		for name := range members {
			o.unknown[name]++
		}
		o.rows = append(o.rows, row)
	}
	return o
}

type fataler interface{ Fatal(...any) }

// names lists an object's names in order, without repeats.
func names(t fataler, line string) (names []string) {
	d := json.NewDecoder(strings.NewReader(line))
	seen := map[string]bool{}
	for _, err := d.Token(); d.More(); {
		if err != nil {
			t.Fatal(err)
		}
		var name json.Token
		if name, err = d.Token(); err != nil {
			t.Fatal(err)
		}
		if s, ok := name.(string); ok && !seen[s] {
			seen[s] = true
			names = append(names, s)
		}
		var skip json.RawMessage
		if err = d.Decode(&skip); err != nil {
			t.Fatal(err)
		}
	}
	return names
}

func cell(t fataler, raw json.RawMessage) string {
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return ""
	case raw[0] == '"':
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			t.Fatal(err)
		}
		return s
	case raw[0] == '{' || raw[0] == '[':
		var b bytes.Buffer
		if err := json.Compact(&b, raw); err != nil {
			t.Fatal(err)
		}
		return string([]rune(b.String())) // one U+FFFD for each bad byte
	}
	return string(raw)
}

// check compares a conversion with the oracle, cell by cell.
func check(t fataler, in string, o outcome, want oracle) {
	if o.err != nil {
		t.Fatal(o.err)
	}
	r := csv.NewReader(strings.NewReader(o.csv))
	r.FieldsPerRecord = len(want.columns)
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal("not CSV: ", err, "\n", in, "\n", o.csv)
	}
	for _, row := range want.rows {
		for i := range row {
			row[i] = strings.ReplaceAll(row[i], "\r\n", "\n") // as encoding/csv reads it
		}
	}
	var rejected []string
	for _, r := range o.rejected {
		rejected = append(rejected, r.Record)
		if !strings.HasPrefix(in[r.Offset:], r.Record) || strings.Count(in[:r.Offset], "\n")+1 != int(r.Line) {
			t.Fatal("rejected at the wrong place: ", r)
		}
	}
	if diff := cmp.Diff(want.rows, rows); diff != "" {
		t.Fatal("cells differ (-want +got):\n", diff, "\n", in)
	}
	if diff := cmp.Diff(want.rejected, rejected); diff != "" {
		t.Fatal("rejected differ (-want +got):\n", diff, "\n", in)
	}
	res := o.res
	if res.Records != res.RecordsOut+res.Rejected || res.Rejected != int64(len(rejected)) {
		t.Fatal("in is not out plus rejected: ", res)
	}
	for name, n := range want.unknown {
		if len(want.unknown) <= maxUnknown && len(name) <= maxUnknownName && res.UnknownFields[name] != n {
			t.Fatal("unknown field ", name, ": ", res.UnknownFields[name], ", want ", n)
		}
	}
}

// TestAnyNDJSON holds the codec to encoding/json on generated records: broken,
// spaced, escaped, nested, reordered, with names that repeat or are unknown.
func TestAnyNDJSON(t *testing.T) {
	free := newConverter(t, Options{})
	columns := []string{"b", "a", "ü", `q"`}
	fixed := newConverter(t, Options{Columns: columns})
	rapid.Check(t, func(t *rapid.T) {
		var in strings.Builder
		in.WriteString(`{"a":1}` + "\n") // NDJSON for certain
		if rapid.Bool().Draw(t, "other first") {
			in.Reset()
			in.WriteString(`{"` + "\n")
		}
		for range rapid.IntRange(0, 8).Draw(t, "records") {
			in.WriteString(genLine(t))
			in.WriteString(rapid.SampledFrom([]string{"\n", "\r\n", "\n \n"}).Draw(t, "end"))
		}
		text := strings.TrimSuffix(in.String(), rapid.SampledFrom([]string{"", "\n"}).Draw(t, "last"))
		object := stored(text)
		check(t, text, convertFrom(t.Context(), free, bytes.NewReader(object)), consult(t, text, nil))
		check(t, text, convertFrom(t.Context(), fixed, bytes.NewReader(object)), consult(t, text, columns))
	})
}

func genLine(t *rapid.T) string {
	line := genObject(t, 0)
	if rapid.IntRange(0, 4).Draw(t, "break") == 0 {
		i := rapid.IntRange(0, len(line)-1).Draw(t, "at")
		line = line[:i] + rapid.SampledFrom([]string{"", "x", `"`, "{", "]", ",", "\\", "\x01", "0"}).Draw(t, "with") + line[i+1:]
	}
	return line
}

func genObject(t *rapid.T, depth int) string {
	members := make([]string, rapid.IntRange(0, 5).Draw(t, "members"))
	for i := range members {
		name := rapid.SampledFrom([]string{`"a"`, `"b"`, `"ü"`, `"q\""`, `"\u0061"`, `"c"`, `"ab"`, `""`, "\"\xff\"", `"A"`}).Draw(t, "name")
		members[i] = space(t) + name + space(t) + ":" + space(t) + genValue(t, depth) + space(t)
	}
	return "{" + strings.Join(members, ",") + space(t) + "}" + space(t)
}

func genValue(t *rapid.T, depth int) string {
	kind := rapid.IntRange(0, 9).Draw(t, "kind")
	switch {
	case kind < 5:
		var s strings.Builder
		for range rapid.IntRange(0, 6).Draw(t, "pieces") {
			s.WriteString(rapid.SampledFrom([]string{
				"plain", ",", `\"`, `\\`, `\/`, `\n`, `\r`, `\r\n`, `\t`, `\b`, `\f`, " ", "=", "'", "{", "]", "見", "😀", "\u2028",
				"\xff", "\xe8\xa6", `\u0000`, `\u002C`, `\u0022`, `\u0020`, `\u898b`, `\ud83d\ude00`, `\ud83d`, `\ude00`, `\ud83d\u0041`,
			}).Draw(t, "piece"))
		}
		return `"` + s.String() + `"`
	case kind < 8 || depth > 2:
		return rapid.SampledFrom([]string{
			"null", "true", "false", "0", "-0", "1.50", "-12e+3", "1E-2", "123456789012345678901234567890", "01", "-", "1e", "nul", "+1",
		}).Draw(t, "scalar")
	case kind == 8:
		return genObject(t, depth+1)
	}
	items := make([]string, rapid.IntRange(0, 4).Draw(t, "items"))
	for i := range items {
		items[i] = space(t) + genValue(t, depth+1) + space(t)
	}
	return "[" + strings.Join(items, ",") + "]"
}

func space(t *rapid.T) string {
	return rapid.SampledFrom([]string{"", "", "", " ", "\t", " \r"}).Draw(t, "space")
}

func FuzzNDJSON(f *testing.F) {
	for _, seed := range []string{
		"{\"a\":1,\"b\":\"x,y\"}\n{\"b\":null,\"c\":[1, {\"d\":\"\\\"\"}]}\n",
		"{\"a\":\"\\ud83d\\ude00\\ud800\xff\"}\r\n{}\n\n{\"a\":tru}",
		`{"a":"` + strings.Repeat(`\"`, 300) + `","a":{"k":"\u0022\\"}}`,
		"{\"\":\"\"}\n{\"\":\" \"}\nnull",
	} {
		f.Add(seed)
	}
	c, err := New(Options{MaxRecordBytes: 1 << 20})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, in string) {
		o := convertFrom(t.Context(), c, bytes.NewReader(stored(in)))
		if strings.HasPrefix(in, magicBytes) || strings.IndexByte(in[:min(len(in), lookAhead)], 0) >= 0 {
			if o.res.Layers == 1 && (CodeOf(o.err) == "" || o.csv != "") {
				t.Fatal("no text, and yet converted: ", o.err)
			}
			return
		}
		if o.res.Format != FormatNDJSON {
			if o.err != nil || o.csv != in {
				t.Fatal("CSV did not pass as it was: ", o.err)
			}
			return
		}
		text := strings.TrimPrefix(in, "\ufeff")
		for i := range o.rejected {
			o.rejected[i].Offset -= int64(len(in) - len(text))
		}
		check(t, text, o, consult(t, text, nil))
	})
}

// FuzzObject feeds bytes that are seldom gzip: a verdict, never a panic.
func FuzzObject(f *testing.F) {
	good := stored("{\"a\":1}\n")
	f.Add(good)
	f.Add(append(good, good[:12]...))
	f.Add(append(good, 0, 0, 1))
	f.Add([]byte{0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0, 255, 255})
	f.Add(member(f, header{extra: []byte{0}, name: strings.Repeat("n", 600), comment: "c", sum: true}, "1,2\n"))
	f.Add(stored(string(stored("1,2\n"))))
	c, err := New(Options{MaxOutputBytes: 1 << 20})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, object []byte) {
		res, err := c.Convert(t.Context(), io.Discard, bytes.NewReader(object), func(Rejected) error { return nil })
		var fault *Error
		if err != nil && !errors.As(err, &fault) {
			t.Fatal("no verdict: ", err)
		}
		if err == nil && (res.Records != res.RecordsOut+res.Rejected || res.BytesIn != int64(len(object))) {
			t.Fatal(res)
		}
	})
}
