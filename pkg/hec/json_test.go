package hec

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

var stringSeeds = []string{
	"", "a", "plain ascii of more than eight bytes", `quote " and \ backslash`, "tab\tnewline\nreturn\rbell\a\x00\x1f\x7f",
	"żółć 漢字 🙂 \u2028\u2029", "bad \xff\xfe byte", "\xed\xa0\x80", "cut \xe6\xbc", "a\xc0\xafb", "\ufffd is itself",
	"1234567\"", "12345678\"", "1234567\x80", "!!!!!!!!\"", "\x1f!!!!!!!", "]]]]]]]\\", strings.Repeat("x", 1000) + "\n",
	"0🙂0\u2029", "plain for 🙂 long, and then \"once\" more, plain for long enough, \xff and bad\n",
}

func checkString(t *testing.T, s string) {
	t.Helper()
	text, invalid := AppendString([]byte("x:"), s)
	fromBytes, _ := AppendString([]byte("x:"), []byte(s))
	if string(text) != string(fromBytes) {
		t.Fatalf("string and []byte differ: %q, %q", text, fromBytes)
	}
	var got, want string
	if err := json.Unmarshal(text[2:], &got); err != nil {
		t.Fatalf("%q gave %q: %v", s, text, err)
	}
	if !utf8.Valid(text) {
		t.Fatalf("%q gave invalid UTF-8 %q", s, text)
	}
	std, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(std, &want); err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Fatalf("%q came back as %q, encoding/json makes it %q", s, got, want)
	}
	if repaired := strings.Count(want, "\ufffd") - strings.Count(s, "\ufffd"); invalid != repaired {
		t.Fatalf("%q: %d invalid bytes counted, %d repaired", s, invalid, repaired)
	}
}

func TestAppendString(t *testing.T) {
	for _, s := range stringSeeds {
		checkString(t, s)
	}
	for c := range 256 { // each byte at each place of a word
		for at := range 17 {
			b := []byte("................")
			b = append(b[:at:at], append([]byte{byte(c)}, b[at:]...)...)
			checkString(t, string(b))
		}
	}
}

func FuzzAppendString(f *testing.F) {
	for _, s := range stringSeeds {
		f.Add(s)
	}
	f.Fuzz(checkString)
}

func TestAppendTime(t *testing.T) {
	for _, c := range []struct {
		sec, ns uint32
		hasNs   bool
		want    string
	}{
		{0, 0, false, "0"},
		{1700000000, 0, false, "1700000000"},
		{1700000000, 0, true, "1700000000.000000000"},
		{1700000000, 123456789, true, "1700000000.123456789"},
		{1700000000, 1, true, "1700000000.000000001"},
		{4294967295, 999999999, true, "4294967295.999999999"},
		{4294967295, 1000000001, true, "4294967296.000000001"},
		{7, 5, false, "7"},
	} {
		if got := string(AppendTime([]byte("t="), c.sec, c.ns, c.hasNs)); got != "t="+c.want {
			t.Errorf("AppendTime(%d, %d, %v) = %q, want %q", c.sec, c.ns, c.hasNs, got, c.want)
		}
	}
}

func TestAppendAllocatesNothing(t *testing.T) {
	dst := make([]byte, 0, 4096)
	s, b := "some \"text\" żółć \xff", []byte("some \"text\" żółć \xff")
	n := testing.AllocsPerRun(100, func() {
		dst, _ = AppendString(dst[:0], s)
		dst, _ = AppendString(dst, b)
		dst = AppendTime(dst, 1700000000, 5, true)
	})
	if n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

func BenchmarkAppendString(b *testing.B) {
	for name, s := range map[string]string{
		"ascii":   strings.Repeat("GET /index.html HTTP/1.1 200 ", 35),
		"short":   "10.25.3.118",
		"escapes": strings.Repeat(`{"key":"value","n":1}`, 50),
		"cjk":     strings.Repeat("監査ログ", 85),
	} {
		b.Run(fmt.Sprintf("%s-%d", name, len(s)), func(b *testing.B) {
			dst := make([]byte, 0, 2*len(s)+16)
			in := []byte(s)
			b.SetBytes(int64(len(s)))
			for b.Loop() {
				dst, _ = AppendString(dst[:0], in)
			}
		})
	}
}
