package report_test

import (
	"bytes"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/report"
	"github.com/siemfeed/siemfeed/pkg/rollup/rolluptest"
)

// A year with a run every five minutes is read once; from then on it is told from
// a read and a list a day. A store takes 40 ms for each.
func TestYearRolledUp(t *testing.T) {
	const days = 365
	runs := 288
	if raceDetector {
		runs = 24
	}
	synctest.Test(t, func(t *testing.T) {
		first := time.Now().UTC().Truncate(24 * time.Hour)
		time.Sleep((days + 1) * 24 * time.Hour)
		s := rolluptest.Store{Function: "f", First: first, Days: days, Runs: runs, Wait: 40 * time.Millisecond}
		b := s.Bucket()
		for day := range days {
			at := first.AddDate(0, 0, day+1).Add(3 * time.Hour)
			v := receipt.NewVerified()
			v.From, v.To, v.Checked = at.Add(-50*time.Hour), at.Add(-2*time.Hour), 400
			key := "f/verify/" + at.Format("2006/01/02/20060102T150405.000") + "-X.json"
			if err := b.PutJSON(t.Context(), key, receipt.Verification{Function: "f", Verify: v}); err != nil {
				t.Fatal(err)
			}
		}
		gather := func(what string, most time.Duration, mostReads int64) report.Function {
			s.Calls()
			began := time.Now()
			f, err := report.Gather(t.Context(), b, b, "f", report.Span{From: first, To: first.AddDate(0, 0, days-1)})
			if err != nil {
				t.Fatal(err)
			}
			took := time.Since(began)
			reads, lists, writes := s.Calls()
			t.Logf("%s: %v, %d reads, %d lists, %d writes", what, took, reads, lists, writes)
			if took > most || reads > mostReads || f.Totals.Runs != days*runs {
				t.Errorf("%s: %v and %d reads for %d receipts", what, took, reads, f.Totals.Runs)
			}
			for _, d := range f.Days {
				if d.Verdict != report.Complete && d.Verdict != report.Late {
					t.Errorf("%s: %s is %s", what, d.Date.Format(time.DateOnly), d.Verdict)
					break
				}
			}
			return f
		}
		f := gather("first", 2*time.Minute, int64(days*(runs+2)+days/31*runs)) // a day in a month is read twice
		again := gather("again", 5*time.Second, days*2)
		for i, d := range again.Days {
			want := f.Days[i].Day
			want.RolledUp = true
			if !reflect.DeepEqual(d.Day, want) {
				t.Fatalf("%+v, want %+v", d.Day, want)
			}
		}
		var html bytes.Buffer
		if err := (report.Page{Functions: []report.Function{again, again, again, again}}).Write(&html); err != nil {
			t.Fatal(err)
		}
		t.Logf("four functions have a page of %d KB", html.Len()>>10)
		if html.Len() > 2<<20 {
			t.Errorf("the page has %d bytes", html.Len())
		}
	})
}

// What a year costs does not depend on how much of it there is none of.
func TestYearOfNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(400 * 24 * time.Hour)
		s := rolluptest.Store{Function: "f", Wait: 40 * time.Millisecond, Runs: 1}
		b := s.Bucket()
		began := time.Now()
		f, err := report.Gather(t.Context(), b, b, "f", report.Span{From: began.AddDate(0, 0, -364), To: began})
		if err != nil || len(f.Days) != 365 || f.Totals.Runs != 0 {
			t.Fatal(len(f.Days), err)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}
