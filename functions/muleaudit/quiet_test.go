package muleaudit_test

import (
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
	"github.com/siemfeed/siemfeed/pkg/emulator/inprocess"
)

// Ten days of an organisation without events leave, for good, a receipt a run
// and a record a slice: nothing else grows.
func TestThousandQuietRunsLeaveTheirReceipts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const runs, every = 1000, 15 * time.Minute
		w := worldAt(t, emulator.New(emulator.Options{ClientSecret: secret}), "http://localhost", map[string]string{
			"STATE_URL": "mem://", "OUTPUT_URL": "mem://", "MULE_LOOKBACK": "1h",
		})
		w.client = &http.Client{Transport: inprocess.Transport{Handler: w.api}}
		w.api.AddOrg("org-1", "")
		f := w.function()
		for range runs {
			w.mustRun(f, "{}")
			time.Sleep(every)
		}
		keys, err := w.state.Keys(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		left := map[string]int{}
		for _, k := range keys {
			folder := strings.TrimPrefix(strings.TrimPrefix(k, "muleaudit/"), "org-1/")
			folder, _, _ = strings.Cut(folder, "/")
			left[folder]++
		}
		slices := int(runs*every/hour) + 3 // with those it begins and ends in, and the lookback's
		if left["slices"] > slices {
			t.Errorf("%d records of %d slices", left["slices"], slices)
		}
		delete(left, "slices")
		if want := map[string]int{"receipts": runs, "watermark": 1, "since": 1, "behind": 1}; !maps.Equal(left, want) {
			t.Errorf("left behind %v, want %v", left, want)
		}
	})
}

// tally counts requests by method.
type tally struct {
	inner http.RoundTripper
	mu    sync.Mutex
	n     map[string]int
}

func (c *tally) RoundTrip(r *http.Request) (*http.Response, error) {
	what := r.Method
	if r.URL.Query().Has("list-type") {
		what = "LIST"
	}
	c.mu.Lock()
	c.n[what]++
	c.mu.Unlock()
	return c.inner.RoundTrip(r)
}
