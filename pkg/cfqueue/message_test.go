package cfqueue

import (
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/siemfeed/siemfeed/pkg/retry"
)

func TestDecode(t *testing.T) {
	encoded := base64.StdEncoding.EncodeToString([]byte(`{"a":1}`))
	for name, tc := range map[string]struct {
		body, metadata, want string
		unreadable           bool
	}{
		"json":                   {`"` + encoded + `"`, `{"CF-Content-Type":"json"}`, `{"a":1}`, false},
		"json, other case":       {`"` + encoded + `"`, `{"cf-content-type":"JSON"}`, `{"a":1}`, false},
		"json, not encoded":      {`"{\"a\":1}"`, `{"CF-Content-Type":"json"}`, `{"a":1}`, false},
		"json, as an object":     {`{"a":1}`, `{"CF-Content-Type":"json"}`, `{"a":1}`, false},
		"json, neither":          {`"{a"`, `{"CF-Content-Type":"json"}`, `{a`, true},
		"text that looks base64": {`"e30="`, `{"CF-Content-Type":"text"}`, `e30=`, false},
		"bytes, broken":          {`"e30"`, `{"CF-Content-Type":"bytes"}`, `e30`, true},
		"v8":                     {`"/w8="`, `{"CF-Content-Type":"v8"}`, `/w8=`, true},
		"no type, base64":        {`"` + encoded + `"`, `{}`, `{"a":1}`, false},
		"no type, json":          {`"{\"a\":1}"`, `null`, `{"a":1}`, false},
		"no type, text":          {`"hello!"`, `{"CF-Content-Type":7}`, `hello!`, false},
	} {
		m := pulled{Body: json.RawMessage(tc.body), Metadata: json.RawMessage(tc.metadata)}.decode()
		if string(m.Body) != tc.want || retry.IsPermanent(m.Err) != tc.unreadable {
			t.Errorf("%s: %q, %v", name, m.Body, m.Err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(`"e30="`, `{"CF-Content-Type":"json"}`)
	f.Add(`{"a":1}`, `{"CF-Content-Type":["v8"]}`)
	f.Add(`"x"`, `7`)
	f.Fuzz(func(t *testing.T, body, metadata string) {
		m := pulled{Body: json.RawMessage(body), Metadata: json.RawMessage(metadata)}.decode()
		if m.Err != nil && !retry.IsPermanent(m.Err) {
			t.Errorf("%v is not permanent", m.Err)
		}
	})
}
