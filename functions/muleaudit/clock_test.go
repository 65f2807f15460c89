package muleaudit_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
)

// A run whose clock was hours ahead has moved the watermark into the future. What
// happens until then is exported all the same, and late events too.
func TestWatermarkInTheFutureHidesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const ahead, every = 6 * hour, 30 * time.Minute
		w := asleep(t, emulator.Options{}, nil)
		w.api.AddOrg("org-1", "")
		f := w.function()
		w.mustRun(f, "{}")
		future := "muleaudit/org-1/watermark/" + time.Now().UTC().Add(ahead).Format("20060102T150405.000Z")
		if err := w.state.WriteAll(t.Context(), future, []byte(`{"run":"of a wrong clock"}`), nil); err != nil {
			t.Fatal(err)
		}
		var want []emulator.Event
		add := func(at time.Time, name string) {
			t.Helper()
			e := entry(at, name)
			if want = append(want, e); w.api.Add("org-1", e) != nil {
				t.Fatal("not added")
			}
		}
		for n := range int(2 * ahead / every) {
			add(time.Now().Add(10*time.Minute), fmt.Sprint("new ", n))
			if n > 1 {
				add(time.Now().Add(-40*time.Minute), fmt.Sprint("late ", n))
			}
			time.Sleep(every)
			r := w.mustRun(f, "{}")
			if done := r.Orgs[0].Done; time.Since(done) > 6*time.Minute || done.After(time.Now()) {
				t.Errorf("run %d: done up to %v before now", n, time.Since(done))
			}
		}
		w.wantExactly(hour, map[string][]emulator.Event{"org-1": want})
		if keys, err := w.state.Keys(t.Context(), "muleaudit/org-1/watermark/"); err != nil || len(keys) != 1 || keys[0] == future {
			t.Errorf("left %v, %v", keys, err)
		}
	})
}
