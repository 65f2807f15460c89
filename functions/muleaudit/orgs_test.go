package muleaudit_test

import (
	"strings"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/functions/muleaudit"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
)

// A backfill of some organisations leaves the others alone, and is remembered
// apart from one of all.
func TestBackfillOfSomeOrganisations(t *testing.T) {
	w := newWorld(t, emulator.Options{}, map[string]string{"MULE_ORG_ID": "org-1,org-2"})
	to := time.Now().UTC().Truncate(time.Hour)
	from := to.Add(-6 * time.Hour)
	for _, org := range []string{"org-1", "org-2"} {
		w.api.AddSynthetic(org, emulator.Synthetic{N: 60, From: from, To: to})
	}
	out := func(orgs ...string) (n int64) {
		t.Helper()
		if err := w.function().Backfill(t.Context(), from, to, orgs, func(r *muleaudit.Receipt, _ time.Time) { n += r.Out }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := out("org-2"); n != 60 {
		t.Errorf("%d events of org-2, want 60", n)
	}
	if n := out(); n != 60 {
		t.Errorf("%d events of the others, want 60", n)
	}
	err := w.function().Backfill(t.Context(), from, to, []string{"org-2", "nowhere"}, nil)
	if err == nil || !strings.Contains(err.Error(), `"nowhere"`) || !strings.Contains(err.Error(), "org-1, org-2") {
		t.Errorf("an organisation that is not configured: %v", err)
	}
}
