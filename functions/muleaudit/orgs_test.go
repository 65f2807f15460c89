package muleaudit_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
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

// An organisation that is refused from its first run on, for longer than
// MULE_LOOKBACK, misses nothing of what came since once it is allowed, and leaves
// no more behind than any other.
func TestOrganisationRefusedFromTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := asleep(t, emulator.Options{}, map[string]string{"MULE_ORG_ID": "a,b", "MULE_LOOKBACK": "2h"})
		begin := time.Now()
		events := emulator.Generate("b", emulator.Generated{Seed: 3, N: 500, From: begin.Add(-2 * hour), To: begin.Add(71 * hour)})
		w.api.AddOrg("a", "")
		if err := w.api.Add("b", events...); err != nil {
			t.Fatal(err)
		}
		w.api.Forbid("b", true)
		f := w.function()
		for range 72 {
			if _, err := w.run(f, "{}"); err == nil {
				t.Fatal("it is allowed")
			}
			time.Sleep(hour)
		}
		w.api.Forbid("b", false)
		w.mustRun(f, "{}")
		w.wantExactly(hour, map[string][]emulator.Event{"b": events})
		if keys, err := w.state.Keys(t.Context(), "muleaudit/b/since/"); err != nil || len(keys) != 1 {
			t.Errorf("%d notes of where runs began, %v", len(keys), err)
		}
		if v, err := f.Verify(t.Context(), muleaudit.VerifyOptions{}); err != nil || v[1].Found != 0 {
			t.Errorf("%+v, %v", v[1], err)
		}
	})
}

// A business group that was made while no run was there for days is exported from
// its first event on; one that is configured anew from the lookback on.
func TestGroupMadeDuringAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := asleep(t, emulator.Options{}, map[string]string{"MULE_ORG_ID": "root", "MULE_INCLUDE_SUBORGS": "true"})
		w.api.AddOrg("root", "")
		w.mustRun(w.function(), "{}")
		time.Sleep(10 * time.Minute)
		made := time.Now()
		w.api.AddOrg("child", "root")
		w.api.AddOrg("other", "")
		events := emulator.Generate("child", emulator.Generated{Seed: 4, N: 300, From: made, To: made.Add(71 * hour)})
		old, fresh := entry(made, "old"), entry(made.Add(70*hour), "fresh")
		if err := errors.Join(w.api.Add("child", events...), w.api.Add("other", old, fresh)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(72 * hour)
		w.env["MULE_ORG_ID"] = "root,other"
		w.mustRun(w.function(), "{}")
		w.wantExactly(hour, map[string][]emulator.Event{"child": events, "other": {fresh}})
	})
}
