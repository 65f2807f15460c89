package muleaudit

import (
	"strings"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// Each count is taken where it happens, so that one taken twice, or not at all,
// shows.
func TestAWrongCountFailsTheBalance(t *testing.T) {
	for name, wrong := range map[string]func(d *draft, out []part) []part{
		"none":                     func(_ *draft, out []part) []part { return out },
		"an entry received twice":  func(d *draft, out []part) []part { d.total.in++; return out },
		"a known entry lost":       func(d *draft, out []part) []part { d.total.known--; return out },
		"a rejected one twice":     func(d *draft, out []part) []part { d.reject.count++; return out },
		"a part published for two": func(_ *draft, out []part) []part { return append(out, out[0]) },
	} {
		d := &draft{total: tally{in: 10, known: 3}, reject: rejects{count: 1}}
		out := wrong(d, []part{{Events: 4}, {Events: 2}})
		e := &export{org: "org-1", window: interval{time.Now().Add(-time.Hour), time.Now()}}
		e.add(d, out)
		r := &Receipt{Core: receipt.Start("muleaudit")}
		r.add(e, e.receipt)
		if err := r.Balance(); (err != nil) != (name != "none") || err != nil && !strings.Contains(err.Error(), "add up") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
