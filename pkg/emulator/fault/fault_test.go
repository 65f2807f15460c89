package fault_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
)

func TestKinds(t *testing.T) {
	const body = `{"data":[1,2,3]}`
	var done atomic.Int32 // a cut connection orders nothing
	var inj fault.Injector
	srv := httptest.NewServer(inj.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		done.Add(1)
		_, _ = io.WriteString(w, body)
	})))
	defer srv.Close()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

	for _, tc := range []struct {
		kind    fault.Kind
		done    int32
		status  int
		getErr  bool
		readErr bool
		body    string
	}{
		{fault.None, 1, 200, false, false, body},
		{fault.Error500, 0, 500, false, false, ""},
		{fault.Error503, 0, 503, false, false, ""},
		{fault.Error401, 0, 401, false, false, ""},
		{fault.ResetBefore, 0, 0, true, false, ""},
		{fault.ResetAfter, 1, 0, true, false, ""},
		{fault.ResetMid, 1, 200, false, true, body[:len(body)/2]},
		{fault.Truncate, 1, 200, false, false, body[:len(body)/2]},
		{fault.Slow, 1, 200, false, false, body},
	} {
		done.Store(0)
		inj.Next(tc.kind, nil)
		// POST: Go's client repeats an idempotent request after a reset.
		resp, err := client.Post(srv.URL, "text/plain", nil)
		if (err != nil) != tc.getErr || done.Load() != tc.done {
			t.Errorf("%q: err = %v, done = %d", tc.kind, err, done.Load())
		}
		if err != nil {
			continue
		}
		got, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if (err != nil) != tc.readErr || string(got) != tc.body || resp.StatusCode != tc.status {
			t.Errorf("%q: %d %q, err = %v", tc.kind, resp.StatusCode, got, err)
		}
	}
}

func TestSeedRepeats(t *testing.T) {
	run := func() (kinds []int) {
		var inj fault.Injector
		inj.Random(7, map[fault.Kind]float64{fault.Error500: 0.3, fault.Error503: 0.3})
		h := inj.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		for range 50 {
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/", nil))
			kinds = append(kinds, rec.Code)
		}
		return kinds
	}
	a, b, seen := run(), run(), map[int]bool{}
	for n := range a {
		seen[a[n]] = true
		if a[n] != b[n] {
			t.Fatalf("request %d: %d then %d", n, a[n], b[n])
		}
	}
	if !seen[200] || !seen[500] || !seen[503] {
		t.Errorf("50 draws gave only %v", seen)
	}
}

func TestParseRates(t *testing.T) {
	got, err := fault.ParseRates("500=0.1, reset-mid=0.05")
	if err != nil || got[fault.Error500] != 0.1 || got[fault.ResetMid] != 0.05 {
		t.Fatal(got, err)
	}
	for _, bad := range []string{"500", "500=2", "teapot=0.1", "500=x"} {
		if _, err := fault.ParseRates(bad); err == nil {
			t.Errorf("%q accepted", bad)
		}
	}
}
