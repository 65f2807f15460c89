package objcsv

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/siemfeed/siemfeed/pkg/retry"
)

func TestRejectedAlone(t *testing.T) {
	deep := func(n int) string { return `{"a":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}` }
	for _, tt := range []struct {
		record string
		code   Code
	}{
		{`{"a":1`, CodeMalformed},
		{`{"a":1}}`, CodeMalformed},
		{`{"a":1} {"a":2}`, CodeMalformed},
		{`{"a":1,}`, CodeMalformed},
		{`{"a" 1}`, CodeMalformed},
		{`{a:1}`, CodeMalformed},
		{`{"a":01}`, CodeMalformed},
		{`{"a":1.}`, CodeMalformed},
		{`{"a":+1}`, CodeMalformed},
		{`{"a":NaN}`, CodeMalformed},
		{`{"a":tru}`, CodeMalformed},
		{`{"a":nul}`, CodeMalformed},
		{`{"a":"x}`, CodeMalformed},
		{`{"a":"\x"}`, CodeMalformed},
		{`{"a":"\u12g4"}`, CodeMalformed},
		{`{"a":"\u12`, CodeMalformed},
		{`{"a":"\`, CodeMalformed},
		{"{\"a\":\"tab\there\"}", CodeMalformed},
		{"{\"a\":\"cr\rhere\"}", CodeMalformed},
		{`{"a":[1,]}`, CodeMalformed},
		{`{"a":[1}`, CodeMalformed},
		{`{"a":{"b"}}`, CodeMalformed},
		{deep(maxDepth), CodeMalformed},
		{`garbage`, CodeMalformed},
		{`1,2,3`, CodeMalformed},
		{`"text" x`, CodeMalformed},
		{`"text"`, CodeNotObject},
		{` [1] `, CodeNotObject},
		{`null`, CodeNotObject},
		{`{"a":"` + strings.Repeat("x", 30000) + `"}`, CodeRecordTooLong},
		{strings.Repeat("x", 100000), CodeRecordTooLong},
	} {
		t.Run(fmt.Sprintf("%.20s", tt.record), func(t *testing.T) {
			c := newConverter(t, Options{MaxRecordBytes: 25000})
			good := `{"a":1}` + "\n"
			for line, in := range map[int64]string{2: good + tt.record + "\n" + good, 3: good + good + tt.record} {
				o := convert(t, c, gz(t, in))
				if o.err != nil || o.csv != "a\n1\n1\n" {
					t.Fatalf("%v, %q", o.err, o.csv)
				}
				want := []reject{{Line: line, Offset: (line - 1) * int64(len(good)), Code: tt.code, Record: tt.record}}
				if diff := cmp.Diff(want, o.rejected); diff != "" {
					t.Error(diff)
				}
				if o.res.Records != 3 || o.res.RecordsOut != 2 || o.res.Rejected != 1 {
					t.Errorf("%+v", o.res)
				}
			}
		})
	}
	if o := convert(t, newConverter(t, Options{}), gz(t, deep(maxDepth-1))); o.err != nil || o.res.RecordsOut != 1 {
		t.Errorf("the deepest record: %v, %v", o.err, o.rejected)
	}
}

func TestRecordOfExactlyTheLimit(t *testing.T) {
	in := `{"a":"` + strings.Repeat("x", 92) + `"}`
	for limit, rejected := range map[int]int64{100: 0, 99: 1} {
		for _, end := range []string{"", "\n"} {
			o := convert(t, newConverter(t, Options{MaxRecordBytes: limit}), gz(t, in+end))
			if o.err != nil || o.res.Rejected != rejected {
				t.Errorf("limit %d: %v, %+v", limit, o.err, o.res)
			}
		}
	}
}

// The columns come from the first record that is good.
func TestFirstRecordRejected(t *testing.T) {
	var wide strings.Builder
	for i := range maxFields + 1 {
		fmt.Fprintf(&wide, `,"f%d":0`, i)
	}
	for record, code := range map[string]Code{
		`{"x":1,"y":2`:                CodeMalformed,
		`{broken`:                     CodeMalformed,
		`{}`:                          CodeNoFields,
		"{" + wide.String()[1:] + "}": CodeTooManyFields,
	} {
		o := convert(t, newConverter(t, Options{}), gz(t, record+"\n{\"a\":1}\n{\"x\":1}\n{}\n"))
		if o.err != nil || o.csv != "a\n1\n\"\"\n\"\"\n" {
			t.Errorf("%.20s: %v, %q", record, o.err, o.csv)
		}
		if len(o.rejected) != 1 || o.rejected[0].Code != code || o.rejected[0].Record != record {
			t.Errorf("%.20s: rejected %.100v", record, o.rejected)
		}
	}
}

// A name that needs escapes is never taken from the bytes it stands for.
func TestRawNameIsMalformed(t *testing.T) {
	for first, second := range map[string]string{
		`{"a\\":1}`: `{"a\":1}`,
		`{"a\t":1}`: "{\"a\t\":1}",
		`{"a\"":1}`: `{"a"":1}`,
	} {
		o := convert(t, newConverter(t, Options{}), gz(t, first+"\n"+second+"\n"+first))
		if o.err != nil || o.res.RecordsOut != 2 || o.res.Rejected != 1 {
			t.Errorf("%s after %s: %v, %+v", second, first, o.err, o.res)
		}
	}
}

func TestRejectFuncDecides(t *testing.T) {
	object := gz(t, "{\"a\":1}\nbroken\n{\"a\":2}\n")
	c := newConverter(t, Options{})

	_, err := c.Convert(t.Context(), io.Discard, strings.NewReader(string(object)), nil)
	if CodeOf(err) != CodeRecord || !retry.IsPermanent(err) {
		t.Errorf("without a RejectFunc: %v", err)
	}
	boom := errors.New("quarantine unreachable")
	_, err = c.Convert(t.Context(), io.Discard, strings.NewReader(string(object)), func(Rejected) error { return boom })
	if !errors.Is(err, boom) || retry.IsPermanent(err) {
		t.Errorf("failing RejectFunc: %v", err)
	}
	var out strings.Builder
	res, err := c.Convert(t.Context(), &out, strings.NewReader(string(object)), func(r Rejected) error {
		_, err := io.CopyN(io.Discard, r.Record, 2) // the rest is skipped
		return err
	})
	if err != nil || out.String() != "a\n1\n2\n" || res.Rejected != 1 {
		t.Errorf("half-read record: %v, %q, %+v", err, out.String(), res)
	}
}

// Line and offset find the record again, however far into the object it is.
func TestRejectedPosition(t *testing.T) {
	const good, many = "{\"a\":\"some text\"}\n", 50000
	o := convert(t, newConverter(t, Options{}), gz(t, strings.Repeat(good, many)+"\nbroken"))
	want := []reject{{Line: many + 2, Offset: many*int64(len(good)) + 1, Code: CodeMalformed, Record: "broken"}}
	if diff := cmp.Diff(want, o.rejected); diff != "" {
		t.Error(diff)
	}
}

// A truncated object inside a rejected record is a truncated object.
func TestTruncatedInsideRejected(t *testing.T) {
	object := gz(t, "{\"a\":1}\n"+strings.Repeat("0123456789abcdef", 1<<16))
	o := convert(t, newConverter(t, Options{MaxRecordBytes: 100}), object[:len(object)-20])
	if CodeOf(o.err) != CodeGzipTruncated {
		t.Error(o.err)
	}
}

// A line of 50 MB reaches quarantine whole, and is never held whole.
func TestHugeLine(t *testing.T) {
	const size = 50 << 20
	object := gz(t, "{\"a\":1}\n{\"a\":\""+strings.Repeat("0123456789 abcde", size/16)+"\"}\n{\"a\":2}\n")
	c := newConverter(t, Options{MaxRecordBytes: 1 << 20})
	var out strings.Builder
	var got int64
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	res, err := c.Convert(t.Context(), &out, strings.NewReader(string(object)), func(r Rejected) (err error) {
		got, err = io.Copy(io.Discard, r.Record)
		return err
	})
	runtime.ReadMemStats(&after)
	if err != nil || out.String() != "a\n1\n2\n" || got != size+8 || res.Rejected != 1 {
		t.Errorf("%v, %q, %d bytes, %+v", err, out.String(), got, res)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 6<<20 {
		t.Errorf("%d bytes allocated for a line of %d", n, got)
	}
}
