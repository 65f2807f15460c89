package jsonscan

import (
	"encoding/json"
	"strings"
	"testing"
)

// valid is what [json.Valid] tells, told by a scan.
func valid(s string) bool {
	v := Text{B: append([]byte(s), make([]byte, Pad)...), MaxNesting: 10000}
	i := v.Value(v.Space(0), 1)
	return i >= 0 && v.Space(i) == len(s)
}

func TestText(t *testing.T) {
	for _, s := range []string{
		`{}`, ` [ 1 , -0.5e+3 , "\u00e9\ud83d" , null ] `, `{"a":{"b":[true,false]}}`, `"text"`, `1e999`, strings.Repeat("9", 500),
		"[\"\xff\"]", strings.Repeat("[", 10000) + strings.Repeat("]", 10000), strings.Repeat("[", 10001) + strings.Repeat("]", 10001),
		``, ` `, `{`, `{"a"}`, `{"a":1,}`, `[1 2]`, `[1}`, `{1:2}`, `"`, `"\x"`, `"\u12g4"`, "\"\n\"", `01`, `-`, `1.`, `.5`, `1e`, `nul`, `truE`, "{}\x00", "\x00",
	} {
		if got, want := valid(s), json.Valid([]byte(s)); got != want {
			t.Errorf("%.40q: %v, encoding/json says %v", s, got, want)
		}
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{`{"a":[1e5,"\ud83d\ude00\n",null]}`, ` "x" `, "[\"\xff\"]", `[NaN]`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, want := valid(s), json.Valid([]byte(s)); got != want {
			t.Errorf("%q: %v, encoding/json says %v", s, got, want)
		}
	})
}
