package slshec

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/siemfeed/siemfeed/pkg/deflate"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/sls"
	"github.com/siemfeed/siemfeed/pkg/sls/consume"
)

// event is what Splunk reads.
type event struct {
	Time                            json.Number
	Host, Source, Sourcetype, Index string
	Event                           map[string]any
	Fields                          map[string]string
}

// mapped returns the events of a group, as written and as encoding/json reads
// them. It fails when an object names a key twice.
func mapped(t rapid.TB, c *Config, shard int, g *sls.LogGroup) (texts [][]byte, events []event, m mapper) {
	t.Helper()
	raw := g.Append(nil)
	list := append([]byte{0x0a}, appendUvarint(nil, uint64(len(raw)))...)
	groups := sls.NewGroupReader(append(list, raw...))
	var sg sls.Group
	if !groups.Next(&sg) {
		t.Fatal(groups.Err())
	}
	sg.Cursor = 1234567890123456789
	m = newMapper(c)
	m.begin(shard, &sg)
	logs := sg.Reader()
	var l sls.Log
	for logs.Next(&l) {
		text := m.append(nil, &l)
		texts = append(texts, text)
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.UseNumber()
		dec.DisallowUnknownFields()
		var e event
		if err := dec.Decode(&e); err != nil || dec.More() {
			t.Fatalf("%v in %s", err, text)
		}
		var top map[string]json.RawMessage
		if err := json.Unmarshal(text, &top); err != nil {
			t.Fatal(err)
		}
		if keys(t, text) != len(top) || keys(t, top["event"]) != len(e.Event) || keys(t, top["fields"]) != len(e.Fields) {
			t.Fatalf("a key occurs twice in %s", text)
		}
		if bytes.ContainsAny(text, "\r\n") {
			t.Fatalf("more than a line: %q", text)
		}
		events = append(events, e)
	}
	if logs.Err() != nil {
		t.Fatal(logs.Err())
	}
	return texts, events, m
}

func appendUvarint(b []byte, v uint64) []byte {
	for ; v >= 0x80; v >>= 7 {
		b = append(b, byte(v)|0x80)
	}
	return append(b, byte(v))
}

// keys counts the keys of an object, repeated ones too.
func keys(t rapid.TB, object []byte) (n int) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(object))
	_, err := dec.Token()
	for ; err == nil && dec.More(); n++ {
		var value json.RawMessage
		_, err1 := dec.Token()
		err = errors.Join(err1, dec.Decode(&value))
	}
	if err != nil {
		t.Fatalf("%v in %s", err, object)
	}
	return n
}

var testConfig = &Config{Config: consume.Config{Project: "proj", Logstore: "store"}, Source: "sls", Sourcetype: "audit \"x\"", Index: "main"}

// repaired is what encoding/json makes of text that is not UTF-8.
func repaired(s string) string {
	data, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	var out string
	if err := json.Unmarshal(data, &out); err != nil {
		panic(err)
	}
	return out
}

// wantValue is what becomes of a value, and whether it is to be counted.
func wantValue(c *Config, key, value string) (want any, notJSON bool) {
	named := key != everyKey && slices.Contains(c.JSONKeys, key)
	if !named && !slices.Contains(c.JSONKeys, "*") {
		return repaired(value), false
	}
	trimmed := strings.TrimLeft(value, " \t\r\n")
	opens := strings.HasPrefix(trimmed, "{") || strings.HasPrefix(trimmed, "[")
	if !opens || !json.Valid([]byte(value)) {
		return repaired(value), named || opens
	}
	dec := json.NewDecoder(strings.NewReader(string([]rune(value))))
	dec.UseNumber()
	if err := dec.Decode(&want); err != nil {
		panic(err)
	}
	return want, false
}

// wantEvent follows the rules of renaming in the plainest way there is.
func wantEvent(c *Config, g *sls.LogGroup, contents []sls.KV) (out map[string]any, notJSON int) {
	own := map[string]bool{topicName: true}
	for _, t := range g.Tags {
		own[repaired(tagPrefix+t.Key)] = true
	}
	out = map[string]any{topicName: repaired(g.Topic)}
	met := map[string]int{topicName: 1}
	put := func(key string, value any) {
		key = repaired(key)
		name := key
		met[key]++
		for n := met[key]; n > 1; n++ {
			name = fmt.Sprint(key, ".", n)
			if _, taken := out[name]; !taken && !own[name] {
				met[key] = n
				break
			}
		}
		out[name] = value
	}
	for _, t := range g.Tags {
		put(tagPrefix+t.Key, repaired(t.Value))
	}
	for _, kv := range contents {
		own[repaired(kv.Key)] = true
	}
	for _, kv := range contents {
		value, counted := wantValue(c, kv.Key, kv.Value)
		if counted {
			notJSON++
		}
		put(kv.Key, value)
	}
	return out, notJSON
}

// wantRoute fills templates in the plainest way there is.
func wantRoute(c *Config, g *sls.LogGroup) [4]string {
	values := []string{"{project}", c.Project, "{logstore}", c.Logstore, "{topic}", g.Topic, "{source}", g.Source}
	for _, t := range g.Tags { // of two that are the same the first counts, here and there
		values = append(values, "{tag:"+t.Key+"}", t.Value)
	}
	values = append(values, "{tag:a}", "", "{tag:\xff}", "") // unless there are such tags
	fill := strings.NewReplacer(values...).Replace
	return [4]string{cmp.Or(fill(c.Host), g.Source), fill(c.Source), fill(c.Sourcetype), fill(c.Index)}
}

func TestMappingAgainstEncodingJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.OneOf(
			rapid.SampledFrom([]string{"a", "b", "a.2", "a.3", "__topic__", "__tag__:x", "__tag__:x.2", "", "abcdefgh", "abcdefghi", "abcdefgh.2", "\xff", "\xfe", "é", "__time__"}),
			rapid.StringN(0, 12, 20),
			rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 20), func(b []byte) string { return string(b) }),
		)
		value := rapid.OneOf(
			rapid.String(),
			rapid.SampledFrom([]string{`{}`, "[1,\r\n 2]", ` {"a" : {"a":"\xff"}, "a":[true]}`, `{"a":1`, `[NaN]`, "[\xff]", "null", `{"k":"\"\\\u2028` + "\u2028" + `"}`}),
			rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 300), func(b []byte) string { return string(b) }),
		)
		kvs := func(most int, label string) []sls.KV {
			return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) sls.KV {
				return sls.KV{Key: key.Draw(t, "key"), Value: value.Draw(t, "value")}
			}), 0, most).Draw(t, label)
		}
		g := &sls.LogGroup{Topic: value.Draw(t, "topic"), Source: value.Draw(t, "source"), Tags: kvs(4, "tags")}
		most := rapid.SampledFrom([]int{3, 12, 100}).Draw(t, "most")
		for range rapid.IntRange(1, 4).Draw(t, "logs") {
			sec, ns := rapid.Uint32().Draw(t, "sec"), rapid.Uint32Range(0, 999_999_999).Draw(t, "ns")
			g.Logs = append(g.Logs, sls.Entry{Time: time.Unix(int64(sec), int64(ns)), Contents: kvs(most, "contents")})
		}
		shard := rapid.IntRange(0, 999).Draw(t, "shard")
		c := *testConfig
		c.Fields = []string{"env=prod", "owner = SOC \"1\"=x"}
		tmpl := rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]string{"", "a", `"-`, "{project}", "{logstore}", "{topic}", "{source}", "{tag:a}", "{tag:\xff}"}), 0, 4), func(s []string) string { return strings.Join(s, "") })
		c.Host, c.Source, c.Sourcetype, c.Index = tmpl.Draw(t, "host"), tmpl.Draw(t, "source"), tmpl.Draw(t, "sourcetype"), tmpl.Draw(t, "index")
		c.JSONKeys = rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "*", "abcdefgh", "\xff", "__time__"}), 0, 3).Draw(t, "json keys")
		_, events, m := mapped(t, &c, shard, g)
		if len(events) != len(g.Logs) {
			t.Fatalf("%d events of %d logs", len(events), len(g.Logs))
		}
		clean, notJSON := true, 0
		for i, e := range events {
			want, counted := wantEvent(&c, g, g.Logs[i].Contents)
			notJSON += counted
			if len(e.Event) != len(want) {
				t.Fatalf("log %d: %q, want %q", i, e.Event, want)
			}
			for k, v := range want {
				if got, ok := e.Event[k]; !ok || !reflect.DeepEqual(got, v) {
					t.Fatalf("log %d: %q is %q, want %q", i, k, got, v)
				}
			}
			at := g.Logs[i].Time
			wantTime := fmt.Sprint(at.Unix())
			if at.Nanosecond() > 0 {
				wantTime += fmt.Sprintf(".%09d", at.Nanosecond())
			}
			if e.Time.String() != wantTime {
				t.Fatalf("time %s, want %s", e.Time, wantTime)
			}
			got := [4]string{e.Host, e.Source, e.Sourcetype, e.Index}
			for i, want := range wantRoute(&c, g) {
				if got[i] != repaired(want) {
					t.Fatalf("%q, want %q of %+v", got[i], want, c)
				}
				clean = clean && utf8.ValidString(want)
			}
			wantID := fmt.Sprintf("%d:1234567890123456789:%d", shard, i)
			if e.Fields["sls_id"] != wantID || e.Fields["sls_shard"] != fmt.Sprint(shard) || e.Fields["sls_project"] != "proj" || e.Fields["sls_logstore"] != "store" || e.Fields["env"] != "prod" || e.Fields["owner"] != `SOC "1"=x` || len(e.Fields) != 6 {
				t.Fatalf("fields %v", e.Fields)
			}
			for _, kv := range g.Logs[i].Contents {
				clean = clean && utf8.ValidString(kv.Key) && utf8.ValidString(kv.Value)
			}
		}
		for _, s := range g.Tags {
			clean = clean && utf8.ValidString(s.Key) && utf8.ValidString(s.Value)
		}
		clean = clean && utf8.ValidString(g.Topic)
		if clean != (m.invalid == 0) {
			t.Fatalf("%d bytes counted as invalid, clean %t", m.invalid, clean)
		}
		if m.notJSON != notJSON {
			t.Fatalf("%d values counted as not JSON, want %d", m.notJSON, notJSON)
		}
	})
}

func TestMappingOfOneLog(t *testing.T) {
	g := &sls.LogGroup{
		Topic: "audit_log", Source: "10.0.0.1", Tags: []sls.KV{{Key: "__hostname__", Value: "web-1"}},
		Logs: []sls.Entry{{Time: time.Unix(1700000000, 123456789), Contents: []sls.KV{{Key: "user", Value: "山田"}, {Key: "user", Value: "b\n"}}}},
	}
	texts, _, _ := mapped(t, testConfig, 3, g)
	const want = `{"time":1700000000.123456789,"host":"10.0.0.1","source":"sls","sourcetype":"audit \"x\"","index":"main",` +
		`"event":{"user":"山田","user.2":"b\n","__topic__":"audit_log","__tag__:__hostname__":"web-1"},` +
		`"fields":{"sls_project":"proj","sls_logstore":"store","sls_shard":"3","sls_id":"3:1234567890123456789:0"}}`
	if got := string(texts[0]); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	texts, _, _ = mapped(t, &Config{Config: consume.Config{Project: "p", Logstore: "l"}, Host: "fixed"}, 0, &sls.LogGroup{Source: "10.0.0.1", Logs: []sls.Entry{{Time: time.Unix(5, 0)}}})
	if got := string(texts[0]); got != `{"time":5,"host":"fixed","event":{"__topic__":""},"fields":{"sls_project":"p","sls_logstore":"l","sls_shard":"0","sls_id":"0:1234567890123456789:0"}}` {
		t.Error(got)
	}
}

// Keys that are much alike, or many, must not be taken for each other.
func TestPlainKeys(t *testing.T) {
	field := func(keys ...string) (out []sls.Field) {
		for _, k := range keys {
			out = append(out, sls.Field{Key: []byte(k)})
		}
		return out
	}
	var many []string
	for i := range maxPlain {
		many = append(many, fmt.Sprintf("key-number-%03d-%s", i, strings.Repeat("x", i%20)))
	}
	for _, tc := range []struct {
		keys  []string
		plain bool
	}{
		{nil, true},
		{[]string{"a", "b", "c"}, true},
		{[]string{"a", "b", "a"}, false},
		{[]string{"", ""}, false},
		{[]string{"a\x00", "a"}, true},
		{many, true},
		{append(many[:maxPlain-1:maxPlain-1], many[7]), false},
		{append(many[:maxPlain:maxPlain], "one more"), false},
		{[]string{"__topic__"}, false},
		{[]string{"__tag__:x"}, false},
		{[]string{"naïve"}, false},
		{[]string{strings.Repeat("k", 30) + "é" + strings.Repeat("k", 30)}, false},
	} {
		if got := plainKeys(field(tc.keys...)); got != tc.plain {
			t.Errorf("%q: %t", tc.keys, got)
		}
	}
}

// benchGroup is an audit log of ten fields.
func benchGroup(tb testing.TB) (*sls.Group, *sls.Log) {
	tb.Helper()
	g := &sls.LogGroup{Topic: "audit_log", Source: "10.0.0.1", Tags: []sls.KV{{Key: "__hostname__", Value: "web-1"}}}
	var kvs []sls.KV
	for i, k := range []string{"seq", "eventName", "eventTime", "userName", "userAgent", "sourceIpAddress", "requestId", "requestParameters", "message", "region"} {
		kvs = append(kvs, sls.KV{Key: k, Value: strings.Repeat(fmt.Sprintf("value %d ", i), 1+i)})
	}
	g.Logs = []sls.Entry{{Time: time.Unix(1700000000, 5), Contents: kvs}}
	raw := g.Append(nil)
	groups := sls.NewGroupReader(append(appendUvarint([]byte{0x0a}, uint64(len(raw))), raw...))
	sg, l := new(sls.Group), new(sls.Log)
	if !groups.Next(sg) {
		tb.Fatal(groups.Err())
	}
	logs := sg.Reader()
	if !logs.Next(l) {
		tb.Fatal(logs.Err())
	}
	return sg, l
}

func TestMappingAllocatesNothing(t *testing.T) {
	g, l := benchGroup(t)
	m := newMapper(testConfig)
	dst := make([]byte, 0, 1<<16)
	m.begin(1, g)
	if n := testing.AllocsPerRun(100, func() { dst = m.append(dst[:0], l) }); n > 0 {
		t.Errorf("%v allocations a log", n)
	}
	if n := testing.AllocsPerRun(100, func() { m.begin(1, g) }); n > 0 && len(g.Tags) == 0 {
		t.Errorf("%v allocations a group", n)
	}
	g, l = benchTrail(t)
	m = newMapper(&Config{JSONKeys: []string{"event"}})
	m.begin(1, g)
	if n := testing.AllocsPerRun(100, func() { dst = m.append(dst[:0], l) }); n > 0 || m.notJSON > 0 || !strings.Contains(string(dst), `"event":{"`) {
		t.Errorf("%v allocations a log with JSON: %s", n, dst)
	}
	r := newRoute(&Config{Host: "{tag:__hostname__}", Source: "{project}/{source}", Index: "{tag:none}", Sourcetype: "x:{topic}"})
	if n := testing.AllocsPerRun(100, func() { dst, _ = r.append(dst[:0], g) }); n > 0 {
		t.Errorf("%v allocations a route", n)
	}
}

// benchTrail is an event of ActionTrail: one key that holds JSON.
func benchTrail(tb testing.TB) (*sls.Group, *sls.Log) {
	tb.Helper()
	var list []byte
	g := emulator.NewGenerator(1).Trail(1)
	list = append(appendUvarint(append(list, 0x0a), uint64(len(g))), g...)
	groups := sls.NewGroupReader(list)
	sg, l := new(sls.Group), new(sls.Log)
	if !groups.Next(sg) {
		tb.Fatal(groups.Err())
	}
	logs := sg.Reader()
	if !logs.Next(l) {
		tb.Fatal(logs.Err())
	}
	return sg, l
}

// BenchmarkJSONKeys maps an event of ActionTrail as JSON and as a string.
func BenchmarkJSONKeys(b *testing.B) {
	for _, key := range []string{"event", "*", "other"} {
		b.Run(key, func(b *testing.B) {
			g, l := benchTrail(b)
			m := newMapper(&Config{JSONKeys: []string{key}})
			m.begin(1, g)
			dst := make([]byte, 0, 1<<16)
			b.SetBytes(int64(len(g.Raw)))
			b.ReportAllocs()
			for b.Loop() {
				dst = m.append(dst[:0], l)
			}
		})
	}
}

func BenchmarkMapping(b *testing.B) {
	g, l := benchGroup(b)
	m := newMapper(testConfig)
	m.begin(1, g)
	dst := make([]byte, 0, 1<<16)
	b.SetBytes(int64(len(g.Raw)))
	b.ReportAllocs()
	for b.Loop() {
		dst = m.append(dst[:0], l)
	}
}

func BenchmarkGroup(b *testing.B) {
	g, _ := benchGroup(b)
	m := newMapper(testConfig)
	b.ReportAllocs()
	for b.Loop() {
		m.begin(1, g)
	}
}

func BenchmarkPlainKeys(b *testing.B) {
	_, l := benchGroup(b)
	for b.Loop() {
		if !plainKeys(l.Contents) {
			b.Fatal("not plain")
		}
	}
}

// BenchmarkPage walks and maps a page in which no two logs are the same: what a
// processor has learned of one log helps it little with the next.
func BenchmarkPage(b *testing.B) {
	gen := emulator.NewGenerator(1)
	var list []byte
	for range 50 {
		g := gen.Group(60)
		list = append(appendUvarint(append(list, 0x0a), uint64(len(g))), g...)
	}
	m := newMapper(testConfig)
	dst := make([]byte, 0, 4<<20)
	var g sls.Group
	var l sls.Log
	b.SetBytes(int64(len(list)))
	for b.Loop() {
		dst = dst[:0]
		groups := sls.NewGroupReader(list)
		for groups.Next(&g) {
			m.begin(1, &g)
			logs := g.Reader()
			for logs.Next(&l) {
				dst = m.append(dst, &l)
			}
		}
	}
}

// BenchmarkPacked maps a page and packs it while it grows, as a batch does: logs of
// 400 bytes, of 1.2 KB, and such as hold JSON.
func BenchmarkPacked(b *testing.B) {
	for _, tc := range []struct {
		name  string
		group func(*emulator.Generator, int) []byte
		logs  int
	}{{"audit", (*emulator.Generator).Group, 60}, {"access", (*emulator.Generator).Access, 20}, {"trail", (*emulator.Generator).Trail, 20}} {
		b.Run(tc.name, func(b *testing.B) {
			gen := emulator.NewGenerator(1)
			var list []byte
			for range 40 {
				g := tc.group(gen, tc.logs)
				list = append(appendUvarint(append(list, 0x0a), uint64(len(g))), g...)
			}
			cfg := *testConfig
			cfg.Gzip = true
			m := newMapper(&cfg)
			body := make([]byte, 0, 4<<20)
			var z deflate.Encoder
			var g sls.Group
			var l sls.Log
			packed := 0
			b.SetBytes(int64(len(list)))
			for b.Loop() {
				body = body[:0]
				z.Reset()
				groups := sls.NewGroupReader(list)
				for groups.Next(&g) {
					m.begin(1, &g)
					logs := g.Reader()
					for logs.Next(&l) {
						body = append(m.append(body, &l), '\n')
						z.Hint(m.hints)
						z.Grow(body)
					}
				}
				packed = len(z.Finish(body))
			}
			b.ReportMetric(float64(len(body))/float64(packed), "ratio")
		})
	}
}

// Hints are what makes packing cheap: they have to be right nearly always, over
// groups and kinds of logs.
func TestHintsAreRight(t *testing.T) {
	m := newMapper(&Config{Gzip: true})
	gen := emulator.NewGenerator(1)
	var body []byte
	var g sls.Group
	var l sls.Log
	logs, right, hinted := 0, 0, 0
	for range 50 {
		raw := gen.Group(10)
		other := (&sls.LogGroup{Source: "h", Logs: []sls.Entry{{Time: time.Unix(1, 0), Contents: []sls.KV{{Key: "x", Value: "1"}, {Key: "y", Value: "2"}}}}}).Append(nil)
		list := append(appendUvarint([]byte{0x0a}, uint64(len(raw))), raw...)
		list = append(appendUvarint(append(list, 0x0a), uint64(len(other))), other...)
		groups := sls.NewGroupReader(list)
		for groups.Next(&g) {
			m.begin(1, &g)
			reader := g.Reader()
			for ; reader.Next(&l); logs++ {
				body = append(m.append(body, &l), '\n')
				for _, h := range m.hints {
					hinted++
					n := 0
					for int(h.At)+n < len(body) && body[int(h.At)+n] == body[int(h.From)+n] {
						n++
					}
					if h.From < h.At && n >= 4 {
						right++
					}
				}
			}
		}
	}
	t.Logf("%d logs of %d bytes, %d hints, %d right", logs, len(body), hinted, right)
	if hinted < 10*logs || right < hinted*95/100 {
		t.Errorf("%d of %d hints of %d logs are right", right, hinted, logs)
	}
}
