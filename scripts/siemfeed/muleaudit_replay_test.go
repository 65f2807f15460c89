package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
)

// Whoever asks for a replay of muleaudit's quarantine is told what to do about
// what stays, until it was seen to.
func TestReplayOfMuleauditSaysWhatToDo(t *testing.T) {
	b, err := bucket.Open(t.Context(), "mem://")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	q := quarantine.New(b, "muleaudit")
	advice := func() (string, bool) {
		a := newReplayAnswer("muleaudit")
		if err := adviseMuleaudit(t.Context(), q, a); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		a.text(&out)
		return out.String(), a.found()
	}
	if text, found := advice(); found || text != "nothing is pending\n" {
		t.Errorf("%q, %v", text, found)
	}
	at := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	for i, code := range []string{tooLong, tooLong, tooLong, "not_object"} {
		source := fmt.Appendf(nil, `{"organization":"o","from":%q,"to":%q,"page":1,"index":%d}`, at.Format(time.RFC3339), at.Add(time.Hour).Format(time.RFC3339), i)
		if _, err := q.Put(t.Context(), at, fmt.Sprint(i), quarantine.Entry{Code: code, Source: json.RawMessage(source)}, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	text, found := advice()
	if !found {
		t.Error("what is pending is no finding")
	}
	for _, want := range []string{
		"3 entries stay that were too long", "MAX_RECORD_BYTES", "0 entries delivered, 4 pending",
		"accept muleaudit --code record_too_long", "1 entries are no events (not_object)", "accept muleaudit --code not_object",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in %s", want, text)
		}
	}
	for _, code := range []string{tooLong, "not_object"} {
		if a, err := (&acceptQuarantine{Code: code}).accept(t.Context(), q); err != nil || a.found() || a.Records == 0 {
			t.Errorf("%+v, %v", a, err)
		}
	}
	if text, found := advice(); found || text != "nothing is pending\n" {
		t.Errorf("%q, %v", text, found)
	}
}
