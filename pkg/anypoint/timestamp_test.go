package anypoint

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestTimestamp(t *testing.T) {
	for _, tt := range []struct {
		raw string
		ms  int64
		ok  bool
	}{
		{`{"timestamp":1700000000123}`, 1700000000123, true},
		{`{"a":{"timestamp":1},"b":"\"timestamp\":2","timestamp":3,"c":4}`, 3, true},
		{` { "a" : [ 1 , { "timestamp" : 1 } ] , "timestamp" : 7 } `, 7, true},
		{`{"\u0074imestamp":5}`, 5, true},
		{`{"timestamp":1700000000123.9}`, 1700000000123, true},
		{`{"timestamp":-1.5}`, -1, true},
		{`{"timestamp":1.7e12}`, 1700000000000, true},
		{`{"timestamp":0}`, 0, true},
		{`{"timestamp":-5}`, -5, true},
		{`{"timestamp":9223372036854775807}`, math.MaxInt64, true},
		{`{"timestamp":9223372036854775808}`, 0, false},
		{`{"timestamp":1e400}`, 0, false},
		{`{"timestamp":"2023-11-14T22:13:20.123Z"}`, 1700000000123, true},
		{`{"timestamp":"2023-11-14T23:13:20\u002b01:00"}`, 1700000000000, true},
		{`{"timestamp":"yesterday"}`, 0, false},
		{`{"timestamp":"1700000000123"}`, 0, false},
		{`{"timestamp":null}`, 0, false},
		{`{"timestamp":[1]}`, 0, false},
		{`{"timestamp":{"timestamp":1}}`, 0, false},
		{`{"timestamp":true}`, 0, false},
		{`{"timestamp":1,"timestamp":2}`, 1, true},
		{`{"Timestamp":1}`, 0, false},
		{`{"a":1}`, 0, false}, {`{}`, 0, false}, {`[{"timestamp":1}]`, 0, false}, {`"timestamp"`, 0, false}, {``, 0, false},
	} {
		if ms, ok := Timestamp([]byte(tt.raw)); ms != tt.ms || ok != tt.ok {
			t.Errorf("%s: %d, %v; want %d, %v", tt.raw, ms, ok, tt.ms, tt.ok)
		}
	}
}

// slowTimestamp is Timestamp by way of encoding/json.
func slowTimestamp(b []byte) (int64, bool) {
	d := json.NewDecoder(bytes.NewReader(b))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return 0, false
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return 0, false
		}
		var v json.RawMessage
		if d.Decode(&v) != nil {
			return 0, false
		}
		if key != "timestamp" {
			continue
		}
		var s string
		if v[0] == '"' && json.Unmarshal(v, &s) == nil {
			at, err := time.Parse(time.RFC3339, s)
			return at.UnixMilli(), err == nil
		}
		if n, err := strconv.ParseInt(string(v), 10, 64); err == nil {
			return n, true
		}
		f, err := strconv.ParseFloat(string(v), 64)
		if err != nil || math.Abs(f) >= math.MaxInt64 {
			return 0, false
		}
		return int64(f), true
	}
	return 0, false
}

func FuzzTimestamp(f *testing.F) {
	for _, s := range []string{
		`{"timestamp":1700000000123,"a":"b"}`, `{"a":"\\\"","b":[{"timestamp":1}],"timestamp":2.5e3}`, `{"a":{"b":{}},"t\u0069mestamp":"2023-11-14T22:13:20Z"}`,
		` { "a" : 1 , "timestamp" : -0 } `, `{"timestamp`, `{"a":"`, `{"a":"\`, `}`, `{"a":]`, `{"timestamp":"2023-11-14T22:13:20,5Z"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		ms, ok := Timestamp(b) // must end, whatever b is
		if !json.Valid(b) {
			return
		}
		wantMS, wantOK := slowTimestamp(b)
		if ok != wantOK || ok && ms != wantMS {
			t.Errorf("%q: %d, %v; encoding/json says %d, %v", b, ms, ok, wantMS, wantOK)
		}
	})
}

func BenchmarkTimestamp(b *testing.B) {
	payload := `"payload":{"properties":{"text":"` + strings.Repeat("lorem ipsum ", 30) + `"}},`
	for name, raw := range map[string]string{
		"first": `{"timestamp":1700000000123,` + payload + `"a":1}`, "last": `{"a":1,` + payload + `"timestamp":1700000000123}`,
	} {
		b.Run(name, func(b *testing.B) {
			entry := []byte(raw)
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := Timestamp(entry); !ok {
					b.Fatal("no timestamp")
				}
			}
		})
	}
}
