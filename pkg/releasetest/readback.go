package releasetest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/format"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/report"
	"github.com/siemfeed/siemfeed/pkg/status"
)

// ReadBack reads what a function has kept in STATE_URL and QUARANTINE_URL, since
// the release was recorded, as status and report do. It wants the last run to
// have ended well, and what was read to add up.
func (r *Release) ReadBack(t testing.TB, function string, state, rejected *bucket.Bucket) (status.Function, report.Function) {
	t.Helper()
	wantKnown(t, function, state)
	now := time.Now()
	s, err := status.Read(context.Background(), state, rejected, function, now)
	if err != nil {
		t.Fatal(err)
	}
	if s.Last == nil || s.Last.Status != receipt.OK || s.Success == nil {
		t.Errorf("status: %+v", s)
	}
	// A receipt for each day since would take a while in a few years.
	for _, span := range []report.Span{{From: r.Recorded, To: r.Recorded}, {From: now.AddDate(0, 0, -1), To: now}} {
		got, err := report.Gather(context.Background(), state, rejected, function, span)
		if err != nil {
			t.Fatal(err)
		}
		if got.Totals.Runs == 0 || got.Totals.Unbalanced > 0 {
			t.Errorf("the report of %v: %+v", span.To, got.Totals)
		}
		if span.To.Equal(now) {
			return s, got
		}
	}
	panic("unreachable")
}

// wantKnown wants every object that is kept to be of a kind whose format has a
// number: in a folder of that name right below the function, or below a part of
// it such as an organisation.
func wantKnown(t testing.TB, function string, state *bucket.Bucket) {
	t.Helper()
	keys, err := state.Keys(context.Background(), function+"/")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		parts := strings.Split(key, "/")
		if format.Number(parts[1]) == 0 && (len(parts) < 3 || format.Number(parts[2]) == 0) {
			t.Errorf("%s is of no kind that package format knows", key)
		}
	}
}
