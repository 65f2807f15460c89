package receipt_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

type own struct {
	receipt.Core
	Extra int `json:"extra"`
}

func TestSaveAndKeys(t *testing.T) {
	state, err := bucket.Open(t.Context(), "mem://")
	if err != nil {
		t.Fatal(err)
	}
	r := own{receipt.Start("muleaudit"), 7}
	r.In, r.Out = 3, 3
	r.Finish(receipt.Outcome{Status: receipt.OK})
	if err := receipt.Save(t.Context(), state, &r); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := state.ReadJSON(t.Context(), r.Key(), &got); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"function", "status", "in", "out", "filtered", "quarantined", "bytes_in", "bytes_out", "retries", "lag_seconds", "version", "started_at", "finished_at", "seconds", "extra"} {
		if _, ok := got[key]; !ok {
			t.Errorf("receipt lacks %q: %v", key, got)
		}
	}
	if !strings.HasPrefix(r.Key(), "muleaudit/receipts/"+time.Now().UTC().Format("2006/01/02/")) {
		t.Error(r.Key())
	}
	if b, _ := json.Marshal(&r); strings.Contains(string(b), "error") {
		t.Errorf("no error, yet %s", b)
	}
}

func TestLagIsThatOfTheOldest(t *testing.T) {
	r := receipt.Start("f")
	if r.LagSeconds != nil {
		t.Errorf("before it is known: %v", *r.LagSeconds)
	}
	r.Lag("a", time.Minute)
	r.Lag("b", time.Hour)
	r.Lag("c", -time.Second) // of a clock that runs ahead
	if *r.LagSeconds != 3600 || len(r.Lags) != 3 || r.Lags["c"] != 0 {
		t.Errorf("%v, of %v", *r.LagSeconds, r.Lags)
	}
}

func TestBalance(t *testing.T) {
	ok := receipt.Core{In: 6, Out: 1, Filtered: 2, Quarantined: 3}
	if err := ok.Balance(); err != nil {
		t.Error(err)
	}
	bad := receipt.Core{In: 7, Out: 1, Filtered: 2, Quarantined: 3}
	if err := bad.Balance(); err == nil {
		t.Error("7 = 6 accepted")
	}
}

func TestRunsStartedAtOnceDiffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if a, b := receipt.Start("f"), receipt.Start("f"); a.Run == b.Run || !a.StartedAt.Equal(b.StartedAt) {
			t.Error(a.Run, b.Run)
		}
	})
}

// From the day before on, since a run may go on past midnight.
func TestRead(t *testing.T) {
	state, err := bucket.Open(t.Context(), "mem://")
	if err != nil {
		t.Fatal(err)
	}
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for i := range 6 { // one a day, just before midnight
		r := own{receipt.Start("f"), i}
		r.StartedAt = day.AddDate(0, 0, i).Add(-time.Second)
		if err := receipt.Save(t.Context(), state, &r); err != nil {
			t.Fatal(err)
		}
	}
	other := own{receipt.Start("g"), 100}
	if err := receipt.Save(t.Context(), state, &other); err != nil {
		t.Fatal(err)
	}
	for from, want := range map[time.Time]int{{}: 0 + 1 + 2 + 3 + 4 + 5, day.AddDate(0, 0, 3): 3 + 4 + 5, day.AddDate(0, 0, 9): 0} {
		sum := 0
		if _, _, err := receipt.Read(t.Context(), state, "f", receipt.ReadSpan{From: from}, func(r own) { sum += r.Extra }); err != nil || sum != want {
			t.Errorf("from %v: %d, want %d, %v", from, sum, want, err)
		}
	}
	earlier := receipt.Start("g") // kept under the name of its run, as before it has ended
	if err := state.PutJSON(t.Context(), earlier.Key(), "no receipt"); err != nil {
		t.Fatal(err)
	}
	if err := state.PutJSON(t.Context(), "g/verify/"+time.Now().UTC().Format("2006/01/02/")+"notes.txt", "no verification"); err != nil {
		t.Fatal(err)
	}
	read := 0
	list, _, err := receipt.Read(t.Context(), state, "g", receipt.ReadSpan{}, func(own) { read++ })
	if err != nil || read != 1 || list.Found != 2 || list.Kinds[receipt.Unread] != 2 {
		t.Errorf("what cannot be read: %d were, %+v, %v", read, list, err)
	}
}
