package objcsv

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/siemfeed/siemfeed/pkg/retry"
)

func TestConvert(t *testing.T) {
	ab := Options{Columns: []string{"a", "b"}}
	abHeader := Options{Columns: []string{"a", "b"}, Header: true}
	guard := Options{Columns: []string{"a"}, FormulaGuard: true}
	for _, tt := range []struct {
		name string
		opts Options
		in   string
		want string
	}{
		{"csv passes", Options{}, "1,\"x\"\r\n2,\xff\n\n=3", "1,\"x\"\r\n2,\xff\n\n=3"},
		{"csv is not guarded", guard, "=1\n", "=1\n"},
		{"csv gets a header", abHeader, "1,2\n", "a,b\n1,2\n"},
		{"csv header in the input's line ends", abHeader, "1,2\r\n3,4\r\n", "a,b\r\n1,2\r\n3,4\r\n"},
		{"csv mark stays first", abHeader, "\ufeff1,2\n", "\ufeffa,b\n1,2\n"},
		{"csv mark passes", Options{}, "\ufeff1,2\n", "\ufeff1,2\n"},
		{"csv names unknown", Options{Header: true}, "1,2\n", "1,2\n"},
		{"csv may start with a brace", Options{}, "{GUID},1\n{GUID},2\n", "{GUID},1\n{GUID},2\n"},
		{"csv of white space", Options{}, " \n\n", " \n\n"},
		{"json array is no record", Options{}, "[1,2]\n", "[1,2]\n"},
		{"nothing", ab, "", ""},
		{"nothing under a header", abHeader, "", "a,b\n"},

		{"first record names the columns", Options{}, `{"b":1,"a":"x"}` + "\n" + `{"a":2,"b":3}`, "b,a\n1,x\n3,2\n"},
		{"given columns", ab, `{"b":1,"a":"x"}`, "x,1\n"},
		{"given columns and header", abHeader, `{"b":1}`, "a,b\n,1\n"},
		{"unknown never shifts", ab, `{"z":9,"a":1,"y":8,"b":2,"x":7}`, "1,2\n"},
		{"null and missing are empty", ab, `{"a":null}` + "\n{}\n", ",\n,\n"},
		{"null over a value", ab, `{"a":1,"a":null}`, ",\n"},
		{"blank lines, CRLF, no last end", ab, "\r\n \n{\"a\":1}\r\n\n\t{\"a\":2}", "1,\n2,\n"},
		{"mark before json", ab, "\ufeff{\"a\":1}", "1,\n"},
		{"space everywhere", ab, " { \"a\" : 1 ,\t\"b\" : \"x\" } \n", "1,x\n"},
		{"numbers as text", ab, `{"a":12345678901234567890.10,"b":-1E+05}`, "12345678901234567890.10,-1E+05\n"},
		{"booleans", ab, `{"a":true,"b":false}`, "true,false\n"},
		{"quoting", ab, `{"a":"x,y","b":"say \"hi\""}`, `"x,y","say ""hi"""` + "\n"},
		{"line breaks", ab, `{"a":"x\ny","b":"x\ry"}`, "\"x\ny\",\"x\ry\"\n"},
		{"outer spaces", ab, `{"a":" x","b":"x\u0020"}` + "\n" + `{"a":"x ","b":" "}`, "\" x\",\"x \"\n\"x \",\" \"\n"},
		{"plain stays plain", ab, `{"a":"x y","b":"a\/b\t\u0026"}`, "x y,a/b\t&\n"},
		{"unicode", ab, `{"a":"\u898b\u7a4d","b":"\ud83d\ude00見"}`, "見積,😀見\n"},
		{"half pairs", ab, `{"a":"\ud800x","b":"\ude00\ud83d\u0041"}`, "\ufffdx,\ufffd\ufffdA\n"},
		{"invalid UTF-8", ab, "{\"a\":\"x\xff\xfey\",\"b\":[\"\xc3\"]}", "x\ufffd\ufffdy,\"[\"\"\ufffd\"\"]\"\n"},
		{"nested", ab, `{"a":{"k": [1, 2,"\" , \\"] },"b":[ 1 ]}`, `"{""k"":[1,2,""\"" , \\""]}",[1]` + "\n"},
		{"empty nested", ab, `{"a":{ },"b":[]}`, "{},[]\n"},
		{"escaped names", Options{}, `{"\u0061\n":1}` + "\n" + `{"a\u000a":2,"b":3}`, "\"a\n\"\n1\n2\n"},
		{"lone empty cell", Options{Columns: []string{"a"}}, `{"a":""}` + "\n{}\n" + `{"a":1}`, "\"\"\n\"\"\n1\n"},
		{"empty name", Options{}, `{"":1}`, "\"\"\n1\n"},
		{"names are quoted", Options{}, `{"a,b":1,"\"":2}`, `"a,b",""""` + "\n1,2\n"},
		{"names differ in case", Options{}, `{"a":1,"A":2}`, "a,A\n1,2\n"},
		{"last of a name wins", Options{}, `{"a":1,"b":2,"a":3}`, "a,b\n3,2\n"},

		{"formula passes", ab, `{"a":"=cmd|' /C calc'!A0","b":"@x"}`, "=cmd|' /C calc'!A0,@x\n"},
		{"formula guarded", guard, `{"a":"=1+1"}`, "'=1+1\n"},
		{"escaped formula guarded", guard, `{"a":"\u003d1,1"}`, "\"'=1,1\"\n"},
		{"control guarded", guard, `{"a":"\tx"}` + "\n" + `{"a":"\rx"}`, "'\tx\n\"'\rx\"\n"},
		{"number not guarded", guard, `{"a":-1}`, "-1\n"},
		{"empty not guarded", guard, `{"a":""}`, "\"\"\n"},
		{"name guarded", Options{FormulaGuard: true}, `{"=a":1}`, "'=a\n1\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newConverter(t, tt.opts)
			for range 2 { // a used converter is as good as a new one
				o := convert(t, c, gz(t, tt.in))
				if o.err != nil || len(o.rejected) > 0 {
					t.Fatalf("error %v, rejected %v", o.err, o.rejected)
				}
				if o.csv != tt.want {
					t.Fatalf("got\n%q, want\n%q", o.csv, tt.want)
				}
				if r := o.res; r.BytesOut != int64(len(tt.want)) || r.BytesDecompressed != int64(len(tt.in)) || r.Records != r.RecordsOut {
					t.Errorf("result does not add up: %+v", r)
				}
			}
		})
	}
}

func TestResult(t *testing.T) {
	text := "{\"a\":1,\"b\":\"\xff\\ud800\"}\n{\"b\":2,\"x\":3,\"a\":4,\"a\":5}\n{\"x\":0,\"y\":0}\nbroken{\"z\":1}\n"
	object := gz(t, text)
	o := convert(t, newConverter(t, Options{}), object)
	if o.err != nil {
		t.Fatal(o.err)
	}
	want := Result{
		Format: FormatNDJSON, Layers: 1,
		BytesIn: int64(len(object)), BytesDecompressed: int64(len(text)), BytesOut: int64(len(o.csv)),
		Records: 4, RecordsOut: 3, Rejected: 1,
		Columns: []string{"a", "b"}, HeaderWritten: true,
		UnknownFields: map[string]int64{"x": 2, "y": 1},
		DuplicateKeys: 1, Replaced: 2,
	}
	if diff := cmp.Diff(want, o.res); diff != "" {
		t.Error(diff)
	}
	for in, want := range map[string]Result{
		"":          {Format: FormatEmpty},
		"1\n2\r\n3": {Format: FormatCSV, Records: 3},
		"1\n":       {Format: FormatCSV, Records: 1},
	} {
		got := convert(t, newConverter(t, Options{}), gz(t, in)).res
		if got.Format != want.Format || got.Records != want.Records || got.RecordsOut != want.Records {
			t.Errorf("%q: %+v", in, got)
		}
	}
}

// A JSON array of objects is neither of the two formats. Logs that begin with a
// bracket are.
func TestJSONArray(t *testing.T) {
	for in, want := range map[string]Code{
		`[{"a":1},{"a":2}]`:                  CodeJSONArray,
		"\ufeff\r\n[\n  {\n  \"a\": 1\n}]\n": CodeJSONArray,
		"[{}]":                               CodeJSONArray,
		"[2026-01-02 03:04:05] GET /,200\n":  "",
		"[{abc},1\n":                         "",
		"[1,2]\n":                            "",
		"[\n":                                "",
		`"[{""a"":1}]",x` + "\n":             "",
	} {
		o := convert(t, newConverter(t, Options{}), gz(t, in))
		if CodeOf(o.err) != want || want == "" && (o.err != nil || o.csv != in) || want != "" && (o.csv != "" || !retry.IsPermanent(o.err)) {
			t.Errorf("%q: %v, %q", in, o.err, o.csv)
		}
	}
}

func TestUnknownNamesAreBounded(t *testing.T) {
	var in strings.Builder
	in.WriteString(`{"a":1}` + "\n")
	for i := range 300 {
		in.WriteString(`{"a":1,"n` + strings.Repeat("x", i) + `":0}` + "\n")
	}
	o := convert(t, newConverter(t, Options{}), gz(t, in.String()))
	if o.err != nil || o.res.RecordsOut != 301 {
		t.Fatal(o.err, o.res)
	}
	if n := len(o.res.UnknownFields); n != maxUnknown || o.res.UnknownOther != 300-maxUnknown {
		t.Errorf("%d names and %d others", n, o.res.UnknownOther)
	}
}

func TestOutputErrors(t *testing.T) {
	boom := errors.New("disk full")
	for name, text := range map[string]string{
		"csv":    strings.Repeat("1,2,3\n", 1<<16),
		"ndjson": strings.Repeat(`{"a":"some text"}`+"\n", 1<<16),
		"small":  `{"a":1}`,
	} {
		_, err := newConverter(t, Options{}).Convert(t.Context(), failWriter{boom}, bytes.NewReader(gz(t, text)), nil)
		if !errors.Is(err, boom) || retry.IsPermanent(err) || CodeOf(err) != "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type failWriter struct{ err error }

func (w failWriter) Write([]byte) (int, error) { return 0, w.err }

func TestContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("shutting down")
	src := io.MultiReader(bytes.NewReader(gz(t, "1,2\n")), readFunc(func(p []byte) (int, error) {
		cancel(gone)
		return copy(p, []byte{0}), nil // zero padding for ever
	}))
	if _, err := newConverter(t, Options{}).Convert(ctx, io.Discard, src, nil); !errors.Is(err, gone) || retry.IsPermanent(err) {
		t.Error(err)
	}
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

func TestOptions(t *testing.T) {
	_, err := New(Options{Columns: []string{"a", "b", "a", "\xff"}, MaxRecordBytes: -1, MaxOutputBytes: -1, MaxRatio: -1})
	if err == nil || strings.Count(err.Error(), "\n") != 4 {
		t.Errorf("want every fault, got %v", err)
	}
}

func TestConvertersAreShared(t *testing.T) {
	c := newConverter(t, Options{})
	var wg sync.WaitGroup
	for i := range 8 {
		name := string(rune('a' + i))
		object, want := gz(t, strings.Repeat(`{"`+name+`":1}`+"\n", 5000)), name+"\n"+strings.Repeat("1\n", 5000)
		wg.Go(func() {
			for range 5 {
				if o := convertFrom(context.Background(), c, bytes.NewReader(object)); o.err != nil || o.csv != want {
					t.Errorf("%s: %v", name, o.err)
				}
			}
		})
	}
	wg.Wait()
}
