package gunzipcsv_test

import (
	"strings"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/functions/gunzipcsv"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// What has just come may still be converted; what was asked for is looked at.
func TestProof(t *testing.T) {
	w := newWorld(t, nil)
	w.put("a.log.gz", gz(t, "a\n"))
	check := func(from, to time.Time) receipt.Verified {
		t.Helper()
		v := receipt.NewVerified()
		if err := w.function().Proof().Check(t.Context(), from, to, &v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	if v := check(time.Time{}, time.Time{}); v.Findings != 0 || v.Checked != 0 || v.To.Sub(v.From) != 48*time.Hour || time.Since(v.To) < time.Hour {
		t.Errorf("%+v", v)
	}
	if v := check(time.Time{}, time.Now().Add(time.Minute)); v.Kinds[receipt.Missing] != 1 || v.Checked != 1 {
		t.Errorf("%+v", v)
	}
	var first gunzipcsv.Receipt
	for i, key := range []string{"a.log.gz", "b.log.gz", "c.log.gz"} {
		w.put(key, gz(t, key))
		r, err := run(t, w.function(), notices(key))
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = *r
		}
	}
	if v := check(time.Time{}, time.Now().Add(time.Minute)); v.Findings != 0 || v.Receipts.Chained != 2 || len(v.Receipts.Newest) != 1 {
		t.Errorf("%+v", v)
	}
	if err := w.parts.State.Remove(t.Context(), first.Key()); err != nil {
		t.Fatal(err)
	}
	if v := check(time.Time{}, time.Time{}); v.Kinds[receipt.Missing] != 1 || v.First[0].Where != first.Key() {
		t.Errorf("without a receipt: %+v", v)
	}
}

// Notices that were given up are found whatever their objects' age is, as nothing
// else tells of those older than what is looked at.
func TestProofTellsOfDeadLetters(t *testing.T) {
	w := newWorld(t, map[string]string{"CF_DEAD_QUEUE_ID": "dead"})
	check := func() receipt.Verified {
		t.Helper()
		v := receipt.NewVerified()
		if err := w.function().Proof().Check(t.Context(), time.Time{}, time.Time{}, &v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	if v := check(); v.Findings != 0 {
		t.Errorf("without dead letters: %+v", v)
	}
	for _, key := range []string{"a.log.gz", "b.log.gz"} {
		if _, err := w.dead.Push(message(t, "PutObject", "logs", key), "json", 0); err != nil {
			t.Fatal(err)
		}
	}
	v := check()
	if v.Findings != 1 || v.Kinds["dead_letters"] != 1 || !strings.HasPrefix(v.First[0].Detail, "2 notices were given up, the oldest of 2") || v.Complete() {
		t.Errorf("%+v", v)
	}
	// One shard tells of them.
	of := gunzipcsv.Shard{Index: 1, Of: 2}
	if v, err := w.function().Verify(t.Context(), gunzipcsv.VerifyOptions{Selection: gunzipcsv.Selection{Shard: of}}); err != nil || v.Found != 0 {
		t.Errorf("another shard tells of them too: %+v, %v", v, err)
	}
	// That nobody may ask is no proof that there are none.
	w.env["CF_DEAD_QUEUE_ID"] = "gone"
	if v := check(); v.Kinds[receipt.Unread] != 1 || v.Complete() || !strings.Contains(v.First[0].Detail, "check CF_DEAD_QUEUE_ID") {
		t.Errorf("without a queue: %+v", v)
	}
}
