package consume_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/sls/consume"
	"github.com/siemfeed/siemfeed/pkg/sls/consume/consumetest"
)

func TestVerify(t *testing.T) {
	w := newWorld(t, emulator.Options{}, nil)
	gen := emulator.NewGenerator(1)
	f := w.consumer()
	for range 3 {
		w.Fill(gen, 10, 10)
		w.mustRun(f)
	}
	findings := func() []receipt.Finding {
		t.Helper()
		list, err := f.Verify(t.Context(), time.Time{}, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		var all []receipt.Finding
		for _, v := range list {
			if len(v.Findings) == 0 && (v.Held < 300 || v.Receipts != v.Held || v.Accepted+v.Quarantined != v.Held) {
				t.Errorf("%+v", v)
			}
			all = append(all, v.Findings...)
		}
		return all
	}
	if list := findings(); len(list) > 0 {
		t.Errorf("%v", list)
	}

	// A run that began before midnight counts logs of the day after.
	today := time.Now().UTC().Truncate(24 * time.Hour)
	consumetest.Rewrite(w.World, func(r *consume.Receipt) { r.StartedAt = today.Add(-time.Minute) })
	list, err := f.Verify(t.Context(), today, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range list {
		if len(v.Findings) > 0 || v.Receipts != v.Held || v.Held < 300 {
			t.Errorf("%+v", v)
		}
	}

	// What is not delivered yet, and a receipt that is gone, are named.
	w.Fill(gen, 2, 10)
	if list := findings(); len(list) != 2 || list[0].Kind != receipt.Behind || !strings.Contains(list[0].Detail, "2 LogGroups") {
		t.Errorf("%v", list)
	}
	w.mustRun(f)
	keys, err := w.State.Keys(t.Context(), name+"/receipts/")
	if err != nil || len(keys) != 4 {
		t.Fatal(keys, err)
	}
	var second consume.Receipt
	if err := w.State.ReadJSON(t.Context(), keys[1], &second); err != nil {
		t.Fatal(err)
	}
	if err := w.State.Remove(t.Context(), keys[1]); err != nil {
		t.Fatal(err)
	}
	// named tells whether there are so many findings of a kind about where.
	named := func(list []receipt.Finding, kind, where string, n int) bool {
		for _, f := range list {
			if f.Kind == kind && strings.HasPrefix(f.Where, where) {
				n--
			}
		}
		return n == 0
	}
	if list := findings(); len(list) != 3 || !named(list, receipt.Gap, "shard ", 2) || !named(list, receipt.Missing, keys[1], 1) || !strings.Contains(fmt.Sprint(list), "10 LogGroups") {
		t.Errorf("%v", list)
	}
	// A receipt that counts other than SLS does is found out.
	second.Stretches[0].In--
	if err := w.State.PutJSON(t.Context(), keys[1], second); err != nil {
		t.Fatal(err)
	}
	if list := findings(); len(list) != 2 || !named(list, receipt.Missing, "shard ", 1) || !named(list, receipt.Altered, keys[1], 1) {
		t.Errorf("%v", list)
	}
}
