package muleaudit_test

import (
	"fmt"
	"testing"
	"time"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
)

// The released version left the watermark before the latest as well.
func TestWatermarksAreNamedAsEver(t *testing.T) {
	w := newWorld(t, emulator.Options{}, nil)
	events := emulator.Generate("org-1", emulator.Generated{Seed: 3, N: 200, From: aligned(9), To: aligned(1)})
	if err := w.api.Add("org-1", events...); err != nil {
		t.Fatal(err)
	}
	name := func(at time.Time) string {
		return "muleaudit/org-1/watermark/" + at.Format("20060102T150405.000Z")
	}
	latest := aligned(5).Add(1234567 * time.Millisecond)
	for _, at := range []time.Time{latest.Add(-15 * time.Minute), latest} {
		if err := w.state.PutJSON(t.Context(), name(at), map[string]string{"run": "20261101T101500Z-cafe"}); err != nil {
			t.Fatal(err)
		}
	}
	r := w.mustRun(w.function(), "{}")
	if !r.Orgs[0].From.Equal(latest) {
		t.Errorf("from %v, want %v", r.Orgs[0].From, latest)
	}
	keys, err := w.state.Keys(t.Context(), "muleaudit/org-1/watermark/")
	if want := fmt.Sprint([]string{name(r.Orgs[0].Done)}); err != nil || fmt.Sprint(keys) != want {
		t.Errorf("%v, want %s; %v", keys, want, err)
	}
	// What is no watermark is not taken for one.
	if err := w.state.PutJSON(t.Context(), "muleaudit/org-1/watermark/tomorrow", 1); err != nil {
		t.Fatal(err)
	}
	if _, err := w.run(w.function(), "{}"); err == nil {
		t.Error("no error")
	}
}
