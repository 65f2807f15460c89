package hec

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

const actionTrail = `{"acsRegion":"cn-hangzhou","additionalEventData":{"CallerBid":"26842"},"apiVersion":"2014-05-26","eventId":"AE3B631D-5C0A-4C7B-8D5E-0A6F1B2C3D4E","eventName":"RunInstances","eventRW":"Write","eventSource":"ecs-cn-hangzhou-share.aliyuncs.com","eventTime":"2025-07-07T01:39:09Z","eventType":"ConsoleOperation","eventVersion":"1","recipientAccountId":"1663000000000000","referencedResources":{"ACS::ECS::Instance":["i-bp12cq6zdrxxxxxxxxxx"],"ACS::ECS::Image":["aliyun_3_9_x64_20G.vhd"]},"requestId":"AE3B631D-5C0A-4C7B-8D5E-0A6F1B2C3D4E","requestParameterJson":"{\"MaxAmount\":1,\"RegionId\":\"cn-hangzhou\"}","requestParameters":{"MaxAmount":1,"Tags":[],"RegionId":"cn-hangzhou","DryRun":false},"responseElements":{"InstanceIdSets":{"InstanceIdSet":["i-bp12cq6zdrxxxxxxxxxx"]}},"serviceName":"Ecs","sourceIpAddress":"203.0.113.238","userAgent":"ecs.console.aliyun.com","userIdentity":{"accountId":"1663000000000000","principalId":"2015000000000000","type":"ram-user","userName":"shami","sessionContext":{"attributes":{"mfaAuthenticated":"true","creationDate":"2025-07-07T01:39:09Z"}}}}`

// What is valid JSON and yet kept out, told in another way than AppendJSON does.
var unreadable = regexp.MustCompile(`\\u[dD][89a-fA-F]|[0-9]{200}|[eE]\+?[0-9]{3}`)

// checkJSON holds AppendJSON to encoding/json.
func checkJSON(t *testing.T, s []byte) (embedded bool) {
	t.Helper()
	kept := bytes.Clone(s)
	const before = `{"k":`
	out, invalid, ok := AppendJSON([]byte(before), s)
	if !bytes.Equal(s, kept) {
		t.Fatalf("%q was changed to %q", kept, s)
	}
	if string(out[:min(len(out), len(before))]) != before {
		t.Fatalf("%q: lost what was there before: %q", s, out)
	}
	if !ok {
		if len(out) != len(before) || invalid != 0 {
			t.Fatalf("%q: refused, and %q appended", s, out)
		}
		trimmed := bytes.TrimLeft(s, " \t\r\n")
		if json.Valid(s) && len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[') &&
			!unreadable.Match(s) && bytes.Count(s, []byte("{"))+bytes.Count(s, []byte("[")) <= maxNesting {
			t.Fatalf("%q: refused", s)
		}
		return false
	}
	if !json.Valid(s) {
		t.Fatalf("%q: embedded, but not valid", s)
	}
	var want bytes.Buffer
	if err := json.Compact(&want, s); err != nil {
		t.Fatal(err)
	}
	wrong := 0
	for rest := s; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		if r == utf8.RuneError && size == 1 {
			wrong++
		}
		rest = rest[size:]
	}
	if got := string(out[len(before):]); got != string([]rune(want.String())) || invalid != wrong {
		t.Fatalf("%q: %q, %d invalid, want %q, %d", s, got, invalid, want.String(), wrong)
	}
	if body := append(out, '}'); !json.Valid(body) || !utf8.Valid(body) || bytes.ContainsAny(body, "\r\n") {
		t.Fatalf("%q breaks the body %q", s, body)
	}
	var v any
	if err := json.Unmarshal(s, &v); err != nil {
		t.Fatalf("%q: cannot be read: %v", s, err)
	}
	return true
}

func nest(open, inner, closing string, n int) string {
	return strings.Repeat(open, n) + inner + strings.Repeat(closing, n)
}

func TestAppendJSON(t *testing.T) {
	for _, s := range []string{
		`{}`, `[]`, ` []`, "[]\n", `[[]]`, `{"":{}}`, actionTrail, " \t\r\n{ \"a\" : [ 1 , 2 ] }\n ", `{"a":1,"a":2}`,
		`[0,-0,1,-1,0.5,1e5,1E+5,1e-500,12.25e-3,123456789012345678901234567890]`, `[true,false,null]`,
		`["\"\\\/\b\f\n\r\t\u00e9\u0000\ud83d\ude00"]`, "[\"\u2028\u2029\u007f\U0001f600\"]", "[\"\xff\xc3(\xed\xa0\x80\"]",
		"{\"k\xff\": \"\xfe\"}", `["a b  c\\"]`, `[" \" "," "]`, `{"a" :"b"}`, nest("[", "1", "]", maxNesting), nest(`{"a":`, "1", "}", maxNesting),
		"[1" + strings.Repeat("0", 200-1) + "e99]", "[0." + strings.Repeat("3", 400) + "]",
	} {
		if !checkJSON(t, []byte(s)) {
			t.Errorf("%q stays a string", s)
		}
		// And with every string one byte longer, so that words of eight end
		// everywhere.
		for n := range 9 {
			checkJSON(t, []byte(strings.ReplaceAll(s, `"a"`, `"`+strings.Repeat("a", n)+`"`)))
		}
	}
	for _, s := range []string{
		"", " ", `"a"`, `1`, `null`, `true`, "plain", "{", "[", "{\x00}", "[\x00", "\ufeff{}", "\v{}", "\u00a0{}", `{}{}`, `{},`, `[] x`, "[]\x00",
		`{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `{a:1}`, `{'a':1}`, `{1:2}`, `[1,]`, `[,1]`, `[1 2]`, `{"a":1 "b":2}`, `[1}`, `{"a":1]`, `["a]`, `["a\"]`,
		`[NaN]`, `[Infinity]`, `[-Infinity]`, `[nan]`, `[undefined]`, `[True]`, `[nul]`, `[nulll]`, `[tru`, `[f`,
		`[01]`, `[-]`, `[+1]`, `[.5]`, `[1.]`, `[1e]`, `[1e+]`, `[1.e5]`, `[0x10]`, `[1_000]`, `[--1]`, `[-01]`, `[1e5.5]`, `[00]`,
		"[\"a\nb\"]", "[\"a\tb\"]", "[\"\x1f\"]", "[\"\x00\"]", `["\x41"]`, `["\u12"]`, `["\u12g4"]`, `["\U0041"]`, `["\`, `["\u`, `["\u123`, "[\"\\\n\"]",
		"[\xff]", "[1\xff]", "{\xe2\x80\xa8}", "//\n{}", "{/**/}", "[1] // no",
		nest("[", "", "]", maxNesting+1), nest(`{"a":`, "1", "}", maxNesting+1), strings.Repeat("[", 1<<20), nest("[", "", "]", maxNesting)[1:],
		`["\ud83d"]`, `["\ude00"]`, `["\ud83d\u0041"]`, `["\ud83d\n"]`, `["\ud83d`, `["\ud83d\ud83d\ude00"]`,
		`[1e999]`, `[-1E+400]`, "[" + strings.Repeat("9", 200+1) + "]",
	} {
		if checkJSON(t, []byte(s)) {
			t.Errorf("%q is embedded", s)
		}
	}
	// Whatever it is cut off at, and whatever follows what is left.
	for i := range actionTrail {
		if checkJSON(t, []byte(actionTrail)[:i]) {
			t.Errorf("embedded: %q", actionTrail[:i])
		}
	}
}

func TestAppendJSONIntoABuffer(t *testing.T) {
	dst := append(make([]byte, 0, 1<<16), "before"...)
	if n := testing.AllocsPerRun(100, func() {
		if out, _, ok := AppendJSON(dst, []byte(actionTrail)); !ok || string(out) != "before"+actionTrail {
			t.Fatal(string(out))
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
	// What was in the buffer before is not read as if it followed.
	for _, s := range []string{`["`, `["a`, `[1`, `[ `, `["\u`, `{"a":[1`} {
		for _, behind := range []string{"a", "1", " ", `}]"`, `"]`} {
			dirty := []byte(strings.Repeat(behind, 100))
			if _, _, ok := AppendJSON(dirty[:0], []byte(s)); ok {
				t.Errorf("%s: what lies behind was taken for the end", s)
			}
		}
	}
}

func FuzzAppendJSON(f *testing.F) {
	for _, s := range []string{actionTrail, ` { "a" : [1e5, "\ud83d\ude00\n", null ] } `, "[\"\xff\"]", `[NaN]`, nest("[", "-0.5", "]", 99)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, s []byte) { checkJSON(t, s) })
}

func BenchmarkAppendJSON(b *testing.B) {
	spaced := new(bytes.Buffer)
	_ = json.Indent(spaced, []byte(actionTrail), "", "  ")
	dst := make([]byte, 0, 1<<16)
	for name, s := range map[string][]byte{"compact": []byte(actionTrail), "indented": spaced.Bytes()} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(s)))
			for b.Loop() {
				if _, _, ok := AppendJSON(dst, s); !ok {
					b.Fatal(name)
				}
			}
		})
		b.Run(name+", only json.Valid", func(b *testing.B) {
			b.SetBytes(int64(len(s)))
			for b.Loop() {
				if !json.Valid(s) {
					b.Fatal(name)
				}
			}
		})
		b.Run(name+", as a string", func(b *testing.B) {
			b.SetBytes(int64(len(s)))
			for b.Loop() {
				AppendString(dst, s)
			}
		})
	}
}
