package anypoint

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"time"
)

// Timestamp returns when the event of an entry happened, in milliseconds since
// 1970: the entry's top-level "timestamp", a number of milliseconds (a fraction
// is cut off) or an RFC 3339 string. It is false when raw is not an object, has
// no such key or another kind of value there; the first of several counts.
//
// Only what stands before the timestamp is looked at. Where that is not valid
// JSON, the answer is false.
func Timestamp(raw []byte) (ms int64, ok bool) {
	d := json.NewDecoder(bytes.NewReader(raw))
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
		if key == "timestamp" {
			return millis(v)
		}
	}
	return 0, false
}

// millis reads the value of a timestamp.
func millis(v json.RawMessage) (int64, bool) {
	if v[0] == '"' {
		var s string
		if json.Unmarshal(v, &s) != nil {
			return 0, false
		}
		t, err := time.Parse(time.RFC3339, s)
		if err != nil {
			return 0, false
		}
		return t.UnixMilli(), true
	}
	if n, err := strconv.ParseInt(string(v), 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(string(v), 64)
	if err != nil || math.Abs(f) >= 1<<63 {
		return 0, false
	}
	return int64(f), true
}
