package rollup_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/rollup"
	"github.com/siemfeed/siemfeed/pkg/rollup/rolluptest"
)

const day = 24 * time.Hour

// chained keeps the receipts of a run every six hours of the next days, each of
// which follows those before it, and returns their keys. Then the last day is over.
func chained(t *testing.T, b *bucket.Bucket, days int) (first time.Time, keys []string) {
	t.Helper()
	first = time.Now().UTC().Truncate(day).Add(day)
	for i := range 4 * days {
		time.Sleep(time.Until(first.Add(time.Duration(i)*6*time.Hour + time.Hour)))
		c := receipt.Start("f")
		c.In, c.Out = 10, 10
		c.Finish(receipt.Outcome{Status: receipt.OK})
		if err := receipt.Save(t.Context(), b, &c); err != nil {
			t.Fatal(err)
		}
		keys = append(keys, c.Key())
	}
	time.Sleep(time.Until(first.Add(time.Duration(days)*day + 3*time.Hour)))
	return first, keys
}

func spanned(t *testing.T, b *bucket.Bucket, s rollup.Span) rollup.Spanned {
	t.Helper()
	got, err := rollup.Read(t.Context(), b, "f", s)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// rolled tells which of the days were rolled up.
func rolled(s rollup.Spanned) (list []bool) {
	for _, d := range s.Days {
		list = append(list, d.RolledUp)
	}
	return list
}

// found are the findings of all days.
func found(s rollup.Spanned) (list []string) {
	for _, d := range s.Days {
		for _, f := range d.Findings {
			list = append(list, d.Date.Format(time.DateOnly)+" "+f.Kind+" "+f.Where)
		}
	}
	return list
}

// What is ended before it is known whether the chain is whole has rolled up
// nothing: else what is wrong would never be found.
func TestEndedBeforeTheChainIsChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, "mem://")
		first, keys := chained(t, b, 3)
		if err := b.Delete(t.Context(), keys[5]); err != nil {
			t.Fatal(err)
		}
		s := rollup.Span{From: first, To: first.Add(2 * day)}
		ctx, cancel := context.WithCancel(t.Context())
		s.Progress = func(p rollup.Progress) {
			if p.Days == p.Of {
				cancel()
			}
		}
		if _, err := rollup.Read(ctx, b, "f", s); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		s.Progress = nil
		for range 2 {
			if got := found(spanned(t, b, s)); len(got) != 1 || !strings.HasSuffix(got[0], "missing "+keys[5]) {
				t.Errorf("%q", got)
			}
		}
	})
}

// A span is read in steps, of which each is kept; and what is found does not depend
// on how long they are.
func TestSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, "mem://")
		first, keys := chained(t, b, 6)
		for _, i := range []int{0, 3, 8, 11, 12, 22} { // some the first or last of their day
			text, err := b.ReadAll(t.Context(), keys[i])
			if err == nil {
				err = b.Delete(t.Context(), keys[i])
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, step := range []int{1, 2, 5, 6, 0} {
				for range 2 {
					got := found(spanned(t, b, rollup.Span{From: first, To: first.Add(5 * day), Step: step}))
					if want := first.Add(time.Duration(i/4)*day).Format(time.DateOnly) + " missing " + keys[i]; !slices.Equal(got, []string{want}) {
						t.Errorf("%d, in steps of %d days: %q", i, step, got)
					}
				}
			}
			put(t, b, keys[i], text)
			if got := found(spanned(t, b, rollup.Span{From: first, To: first.Add(5 * day), Step: 2})); len(got) > 0 {
				t.Errorf("as it was: %q", got)
			}
		}
		if err := b.Delete(t.Context(), "f/rollup/"+first.Add(day).Format("2006/01/02/")+"v1.json"); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		_, err := rollup.Read(ctx, b, "f", rollup.Span{From: first, To: first.Add(5 * day), Step: 1, Progress: func(p rollup.Progress) {
			if p.Days == 6 {
				cancel()
			}
		}})
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if got := rolled(spanned(t, b, rollup.Span{From: first, To: first.Add(5 * day)})); !slices.Equal(got, []bool{true, true, true, true, true, true}) {
			t.Errorf("kept before it was ended: %v", got)
		}
	})
}

// A function that was silent for days is followed by a receipt that comes after
// them.
func TestSilentDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, "mem://")
		first, keys := chained(t, b, 4)
		time.Sleep(3 * day)
		chained(t, b, 1)
		last := keys[len(keys)-1]
		spanned(t, b, rollup.Span{From: first, To: time.Now()})
		if err := b.Delete(t.Context(), last); err != nil {
			t.Fatal(err)
		}
		for _, s := range []rollup.Span{{From: first, To: time.Now(), Step: 1}, {From: first, To: time.Now()}, {From: first, To: first.Add(3 * day)}} {
			if got := found(spanned(t, b, s)); len(got) != 1 || !strings.HasSuffix(got[0], "missing "+last) {
				t.Errorf("in steps of %d: %q", s.Step, got)
			}
		}
	})
}

// Whoever may only read is told of what is wrong all the same.
func TestBrokenAndReadOnly(t *testing.T) {
	s := rolluptest.Store{Function: "f", First: date, Days: 2, Runs: 10}
	b := s.Bucket()
	spanned(t, b, rollup.Span{From: date, To: date.Add(day)})
	s.ReadOnly = true
	gone := receipt.Name{At: date.Add(time.Hour), ID: "GONE", SHA256: strings.Repeat("0", 64)}
	got := spanned(t, b, rollup.Span{From: date, To: date.Add(day), Expect: []string{gone.String()}})
	if list := found(got); len(list) != 1 || !strings.HasSuffix(list[0], "missing "+gone.Key("f")) || !errors.Is(got.NotKept, rolluptest.ErrReadOnly) {
		t.Errorf("%q, not kept for %v", list, got.NotKept)
	}
}

// Days are summed up once they are over, the last ones first, and what is in the
// way is said.
func TestSumUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, "mem://")
		first, keys := chained(t, b, 10)
		if err := b.Delete(t.Context(), keys[4*8+1]); err != nil { // of the last day but one
			t.Fatal(err)
		}
		if err := rollup.SumUp(t.Context(), b, "f", time.Time{}); err != nil {
			t.Fatal(err)
		}
		got := spanned(t, b, rollup.Span{From: first, To: first.Add(9 * day)})
		if want := []bool{false, false, false, true, true, true, true, true, false, true}; !slices.Equal(rolled(got), want) {
			t.Errorf("%v, want %v", rolled(got), want)
		}
		// A store may remove receipts by their age: what they came to goes, too.
		rollups := func() int {
			keys, err := b.Keys(t.Context(), rollup.Folder("f"))
			if err != nil {
				t.Fatal(err)
			}
			return len(keys)
		}
		if rollups() != 9 {
			t.Errorf("%d roll-ups of ten days, of which one is broken", rollups())
		}
		for _, key := range keys[:4*5] {
			if err := b.Delete(t.Context(), key); err != nil {
				t.Fatal(err)
			}
		}
		if err := rollup.SumUp(t.Context(), b, "f", time.Time{}); err != nil || rollups() != 4 {
			t.Errorf("%d roll-ups of five days, of which one is broken: %v", rollups(), err)
		}
		s := rolluptest.Store{Function: "f", First: time.Now().UTC().Truncate(day).Add(-3 * day), Days: 4, Runs: 10, ReadOnly: true}
		if err := rollup.SumUp(t.Context(), s.Bucket(), "f", time.Time{}); !errors.Is(err, rolluptest.ErrReadOnly) {
			t.Errorf("%v", err)
		}
	})
}
