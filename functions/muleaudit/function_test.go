package muleaudit_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/functions/muleaudit"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
)

func TestDayOfEventsExactlyOnce(t *testing.T) {
	const n = 50_000 / scale
	w := newWorld(t, emulator.Options{Gzip: true}, nil)
	events := emulator.Generate("org-1", emulator.Generated{
		Seed: 1, N: n, From: aligned(23), To: time.Now().Add(-10 * time.Minute), Large: 200_000, LargeEvery: n / 10,
	})
	if err := w.api.Add("org-1", events...); err != nil {
		t.Fatal(err)
	}
	f := w.function()
	r := w.mustRun(f, "{}")
	w.wantExactly(hour, map[string][]emulator.Event{"org-1": events})
	w.wantTidy()
	if r.In != n || r.Out != n || r.Filtered != 0 || r.BytesIn == 0 || r.BytesOut == 0 {
		t.Errorf("receipt %+v", r.Core)
	}
	w.checkReceipt(r)

	again := w.mustRun(f, "{}")
	if again.Out != 0 || again.Filtered == 0 || len(again.Orgs[0].Objects) != 0 {
		t.Errorf("a second trigger: %+v", again)
	}
	w.wantExactly(hour, map[string][]emulator.Event{"org-1": events})
}

// checkReceipt compares a receipt with the objects and with what STATE_URL kept.
func (w *world) checkReceipt(r *muleaudit.Receipt) {
	w.t.Helper()
	var kept muleaudit.Receipt
	if err := w.state.ReadJSON(w.t.Context(), r.Key(), &kept); err != nil {
		w.t.Fatal(err)
	}
	if a, b := fmt.Sprintf("%+v", kept.Orgs), fmt.Sprintf("%+v", r.Orgs); a != b {
		w.t.Errorf("kept receipt differs:\n%s\n%s", a, b)
	}
	for _, o := range r.Orgs {
		var events, bytes int64
		for _, obj := range o.Objects {
			data, err := w.output.ReadAll(w.t.Context(), obj.Name)
			if err != nil {
				w.t.Fatal(err)
			}
			sum := sha256.Sum256(data)
			if obj.SHA256 != hex.EncodeToString(sum[:]) || obj.Bytes != int64(len(data)) || obj.Events != int64(len(w.object(obj.Name))) {
				w.t.Errorf("receipt of %s: %+v", obj.Name, obj)
			}
			events, bytes = events+obj.Events, bytes+obj.Bytes
		}
		if events != o.Events || o.APITotal != o.Events+o.Duplicates {
			w.t.Errorf("org receipt does not add up: %+v", o)
		}
	}
}

func TestReceiptKeys(t *testing.T) {
	w := newWorld(t, emulator.Options{}, nil)
	if err := w.api.Add("org-1", emulator.Generate("org-1", emulator.Generated{Seed: 2, N: 10, From: aligned(2), To: aligned(1)})...); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(w.mustRun(w.function(), "{}"))
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"orgs", "org", "from", "to", "events", "late", "duplicates", "pages", "api_total", "objects", "name", "bytes", "sha256"} {
		if !strings.Contains(string(data), `"`+key+`":`) {
			t.Errorf("receipt lacks %q: %s", key, data)
		}
	}
}
