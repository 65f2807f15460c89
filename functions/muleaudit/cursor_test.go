package muleaudit_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/siemfeed/siemfeed/functions/muleaudit"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
	"github.com/siemfeed/siemfeed/pkg/emulator/inprocess"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// forgetsCursors is an API that takes no cursor any more once a query has had so
// many pages.
type forgetsCursors struct {
	http.Handler
	after int

	mu   sync.Mutex
	used int
}

func (f *forgetsCursors) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	f.mu.Lock()
	defer f.mu.Unlock()
	if strings.HasSuffix(r.URL.Path, "/query") {
		if f.used++; !bytes.Contains(body, []byte(`"cursor"`)) {
			f.used = 0
		}
		if f.used >= f.after {
			http.Error(w, `{"message":"the cursor has expired"}`, http.StatusBadRequest)
			return
		}
	}
	f.Handler.ServeHTTP(w, r)
}

// A query whose cursor expires is gone on from by another one, in the same run.
func TestExpiredCursorsEndNoRun(t *testing.T) {
	for name, d := range map[string]emulator.Deviations{"in order": {}, "without order": {Descending: true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := asleep(t, emulator.Options{Deviations: d}, map[string]string{"MULE_LOOKBACK": "6h", "MULE_PAGE_SIZE": "10", "MULE_CONCURRENCY": "1"})
				w.client = &http.Client{Transport: inprocess.Transport{Handler: &forgetsCursors{Handler: w.api, after: 20}}}
				events := emulator.Generate("org-1", emulator.Generated{Seed: 3, N: 600, From: aligned(5), To: aligned(1)})
				if err := w.api.Add("org-1", events...); err != nil {
					t.Fatal(err)
				}
				f := w.function()
				r := w.mustRun(f, "{}")
				if asked := w.api.Metrics().Requests["query"]; asked > 100 {
					t.Errorf("%d requests, receipt %+v", asked, r.Core)
				}
				if r.Out != int64(len(events)) {
					t.Errorf("%d events of %d are out", r.Out, len(events))
				}
				if v, err := f.Verify(t.Context(), muleaudit.VerifyOptions{}); err != nil || v[0].Found != 0 {
					t.Errorf("%+v, %v", v, err)
				}
			})
		})
	}
}

// Where no query gets anywhere before its cursor expires, the run fails and says
// so, after a bounded number of requests.
func TestCursorsThatExpireAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := asleep(t, emulator.Options{}, map[string]string{"MULE_PAGE_SIZE": "10"})
		w.client = &http.Client{Transport: inprocess.Transport{Handler: &forgetsCursors{Handler: w.api, after: 1}}}
		var events []emulator.Event
		for range 50 { // in one millisecond
			events = append(events, entry(aligned(1), string(rune('A'+len(events)))))
		}
		if err := w.api.Add("org-1", events...); err != nil {
			t.Fatal(err)
		}
		r, err := w.run(w.function(), "{}")
		if err == nil || r.Status != receipt.Failed || r.Code != receipt.Unavailable || !strings.Contains(r.Error, "the cursor has expired") {
			t.Errorf("%v, %+v", err, r.Core)
		}
		if asked := w.api.Metrics().Requests["query"]; asked > 50 {
			t.Errorf("%d requests", asked)
		}
	})
}
