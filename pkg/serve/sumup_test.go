package serve_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/rollup"
	"github.com/siemfeed/siemfeed/pkg/rollup/rolluptest"
	"github.com/siemfeed/siemfeed/pkg/serve"
)

// dailyProven is a function that has run every hour for some days, in a
// store that takes 40 ms to answer.
func dailyProven(t *testing.T, days int) (*proven, *rolluptest.Store) {
	t.Helper()
	s := &rolluptest.Store{Function: "stub", First: time.Now().UTC().Truncate(24 * time.Hour), Days: days, Runs: 24, Wait: 40 * time.Millisecond}
	fn := newProven(t, func(_ context.Context, _, _ time.Time, v *receipt.Verified) error { v.Checked = 1; return nil })
	fn.proof.State = s.Bucket()
	return fn, s
}

// Where a proof is asked for daily, a report needs not read the receipts.
func TestDailyProofsSumUp(t *testing.T) {
	const days = 20
	synctest.Test(t, func(t *testing.T) {
		fn, s := dailyProven(t, days)
		var log strings.Builder
		h := serve.NewHandler(t.Context(), fn, runtime(t, &log))
		for day := range days {
			time.Sleep(time.Until(s.First.AddDate(0, 0, day+1).Add(3 * time.Hour)))
			if day%9 == 7 {
				continue // nobody asked
			}
			s.Calls()
			began := time.Now()
			if rec := post(h, `{"verify":{}}`); rec.Code != http.StatusOK {
				t.Fatal(rec.Code, rec.Body)
			}
			if reads, lists, _ := s.Calls(); reads+lists > 4*24+64 || time.Since(began) > 5*time.Second {
				t.Errorf("day %d: %d reads and %d lists in %v", day, reads, lists, time.Since(began))
			}
		}
		s.Calls()
		got, err := rollup.Read(t.Context(), fn.proof.State, "stub", rollup.Span{From: s.First, To: s.First.AddDate(0, 0, days-1)})
		if err != nil {
			t.Fatal(err)
		}
		runs := 0
		for _, d := range got.Days {
			runs += d.Runs
		}
		if reads, _, writes := s.Calls(); reads != days || writes != 0 || runs != days*24 {
			t.Errorf("%d reads and %d writes for a report over %d receipts", reads, writes, runs)
		}
		if strings.Contains(log.String(), "not summed up") {
			t.Error(log.String())
		}
	})
}

// A proof is none the worse for what it cannot sum up, and takes no longer than it
// may.
func TestProofThatCannotSumUp(t *testing.T) {
	denied := errors.New("not in this folder")
	for name, c := range map[string]struct {
		budget time.Duration
		deny   bool
		want   string
	}{
		"no time": {2 * time.Second, false, context.DeadlineExceeded.Error()},
		"denied":  {time.Minute, true, denied.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fn, s := dailyProven(t, 8)
				s.Runs, s.Wait = 500, 400*time.Millisecond
				fn.proof.Budget = c.budget
				if c.deny {
					fn.proof.State.Guard(func(_ context.Context, key string, write bool) error {
						if write && strings.HasPrefix(key, rollup.Folder("stub")) {
							return denied
						}
						return nil
					})
				}
				time.Sleep(7*24*time.Hour + 3*time.Hour)
				var log strings.Builder
				began := time.Now()
				rec := post(serve.NewHandler(t.Context(), fn, runtime(t, &log)), `{"verify":{}}`)
				if rec.Code != http.StatusOK || time.Since(began) > c.budget+time.Second {
					t.Errorf("%d after %v: %s", rec.Code, time.Since(began), rec.Body)
				}
				if !strings.Contains(log.String(), "verify finished") || !strings.Contains(log.String(), "not summed up") || !strings.Contains(log.String(), c.want) {
					t.Error(log.String())
				}
				keys, err := fn.proof.State.Keys(t.Context(), "stub/verify/")
				if err != nil || len(keys) != 1 {
					t.Error(keys, err)
				}
			})
		})
	}
}
