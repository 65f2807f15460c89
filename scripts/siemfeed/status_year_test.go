package main

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siemfeed/siemfeed/pkg/quarantine"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/rollup/rolluptest"
)

// All functions, each with a run every five minutes for a year, a proof a day and
// what was rejected meanwhile, are told of within 5 s by a store that takes 40 ms
// a call.
func TestStatusOfAYear(t *testing.T) {
	const days, runs = 365, 288
	synctest.Test(t, func(t *testing.T) {
		first := time.Now().UTC().Truncate(24 * time.Hour)
		time.Sleep(days*24*time.Hour - time.Minute)
		c := &cli{functions: functions()}
		s := &rolluptest.Store{First: first, Days: days, Runs: runs}
		for _, name := range c.names() {
			s.More = append(s.More, string(name))
		}
		b := s.Bucket()
		rejects := 10 // a day
		for _, function := range s.More {
			q := quarantine.New(b, function)
			for day := range days {
				at := first.AddDate(0, 0, day)
				for i := range rejects {
					if _, err := q.Put(t.Context(), at, fmt.Sprint(day, i), quarantine.Entry{Function: function, Code: "bad", Source: []byte("{}")}, []byte("x")); err != nil {
						t.Fatal(err)
					}
				}
				key := function + "/verify/" + at.Format("2006/01/02/20060102T150405.000") + "-X.json"
				if err := b.PutJSON(t.Context(), key, receipt.Verification{Function: function, Verify: receipt.NewVerified()}); err != nil {
					t.Fatal(err)
				}
			}
			rejects = 1
		}
		s.Calls()
		s.Wait = 40 * time.Millisecond
		began := time.Now()
		list, err := (&statusCmd{}).read(t.Context(), &stateBuckets{state: b, rejected: b}, c.names())
		if err != nil || len(list) != len(c.functions) {
			t.Fatal(len(list), err)
		}
		took := time.Since(began)
		reads, lists, _ := s.Calls()
		t.Logf("%v, %d reads, %d lists", took, reads, lists)
		if took > 5*time.Second || took < 40*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		for i, f := range list {
			want := days
			if i == 0 {
				want *= 10
			}
			if f.Last == nil || f.Success == nil || f.Proof == nil || f.Pending.Objects != want || time.Since(f.Last.StartedAt) > time.Hour {
				t.Errorf("%+v", f)
			}
		}
	})
}
