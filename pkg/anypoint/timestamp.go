package anypoint

import (
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
// Only the keys before the timestamp are looked at, and raw is taken to be
// valid JSON, as [Client.Entries] hands it out; on anything else the answer is
// arbitrary.
func Timestamp(raw []byte) (ms int64, ok bool) {
	i := skipSpace(raw, 0)
	if i == len(raw) || raw[i] != '{' {
		return 0, false
	}
	for {
		key := skipSpace(raw, i+1) // after { or ,
		if key == len(raw) || raw[key] != '"' {
			return 0, false
		}
		i = skipString(raw, key)
		found := isKey(raw[key:i], "timestamp")
		if i = skipSpace(raw, i); i == len(raw) || raw[i] != ':' {
			return 0, false
		}
		from := skipSpace(raw, i+1)
		i = skipValue(raw, from)
		if found {
			return millis(raw[from:i])
		}
		if i = skipSpace(raw, i); i == len(raw) || raw[i] != ',' {
			return 0, false
		}
	}
}

// millis reads the value of a timestamp.
func millis(v []byte) (int64, bool) {
	if len(v) == 0 {
		return 0, false
	}
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
	if n, ok := digits(v); ok {
		return n, true
	}
	if !validNumber(v) {
		return 0, false
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

// digits reads the usual form, a plain positive integer.
func digits(v []byte) (n int64, ok bool) {
	if len(v) > 18 || v[0] == '0' {
		return 0, false
	}
	for _, c := range v {
		if !isDigit(c) {
			return 0, false
		}
		n = 10*n + int64(c-'0')
	}
	return n, true
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// skipString returns the index after the string whose quote is at b[i].
func skipString(b []byte, i int) int {
	for i++; ; {
		switch i = plain(b, i); {
		case i == len(b):
			return i
		case b[i] == '"':
			return i + 1
		case b[i] == '\\':
			i = min(i+2, len(b))
		default:
			i++
		}
	}
}

// skipValue returns the index after the value that starts at b[i].
func skipValue(b []byte, i int) int {
	for depth := 0; i < len(b); {
		switch b[i] {
		case '"':
			if i = skipString(b, i); depth == 0 {
				return i
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < 0 { // the end of what surrounds a scalar
				return i
			}
			if depth == 0 {
				return i + 1
			}
		case ',', ' ', '\n', '\t', '\r':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	return i
}
