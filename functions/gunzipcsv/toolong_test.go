package gunzipcsv_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/blob/driver"

	"github.com/siemfeed/siemfeed/functions/gunzipcsv"
	"github.com/siemfeed/siemfeed/pkg/objcsv/logpush"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// slowKeys is a bucket in which some objects take their time to be read.
type slowKeys struct {
	*flaky
	waits map[string]time.Duration
}

func (s *slowKeys) NewRangeReader(ctx context.Context, key string, offset, length int64, opts *driver.ReaderOptions) (driver.Reader, error) {
	select {
	case <-time.After(s.waits[key]):
		return s.flaky.NewRangeReader(ctx, key, offset, length, opts)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// withSlow is a world of nine objects, of which some are slow, and a run has
// nine seconds for its work.
func withSlow(t *testing.T, concurrency string, waits map[string]time.Duration) (*world, *gunzipcsv.Function) {
	t.Helper()
	_, object := generated(t, 1, 10, logpush.CSV)
	w := asleep(t, map[string]string{"RUN_TIMEOUT": "12s", "CONCURRENCY": concurrency})
	for i := range 9 {
		w.put(fmt.Sprintf("%d.log.gz", i), object)
	}
	slow := *w
	slow.parts.Source = w.open(w.env["SOURCE_URL"])
	slow.parts.Source.Bucket = blob.NewBucket(&slowKeys{makeFlaky(slow.parts.Source, 1, 0), waits})
	return w, slow.function()
}

// An object that outlasts a whole run is no rest that the next one finishes: the
// run says so, and its neighbours are converted all the same.
func TestAnObjectThatOutlastsARun(t *testing.T) {
	const giant = "4.log.gz"
	synctest.Test(t, func(t *testing.T) {
		w, f := withSlow(t, "2", map[string]time.Duration{giant: time.Hour})
		keys := []string{giant, "0.log.gz", "1.log.gz", "2.log.gz"}
		for _, key := range keys {
			w.notify(key)
		}
		wantTold := func(r *gunzipcsv.Receipt, err error, converted int64) {
			t.Helper()
			if err == nil || !strings.Contains(err.Error(), giant) || !strings.Contains(err.Error(), "raise RUN_TIMEOUT") ||
				r.Status != receipt.Failed || r.Out != converted || r.Returned != 1 || len(r.Remaining) != 0 {
				t.Errorf("%v, %+v", err, r)
			}
		}
		r, err := run(t, f, tick)
		wantTold(r, err, 3)
		if c := w.queue.Counts(); c.Acked != 3 || w.queue.Backlog() != 1 {
			t.Errorf("%+v", c)
		}
		r, err = run(t, f, notices(giant, "5.log.gz", "6.log.gz"))
		wantTold(r, err, 2)
	})
}

// One that was only begun late, and cut off, is finished by the next run.
func TestAnObjectBegunLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, f := withSlow(t, "1", map[string]time.Duration{"0.log.gz": 3 * time.Second, "1.log.gz": 8 * time.Second})
		w.notify("0.log.gz")
		w.notify("1.log.gz")
		if r, err := run(t, f, tick); err != nil || r.Status != receipt.Partial || r.Out != 1 {
			t.Fatalf("%v, %+v", err, r)
		}
		if r, err := run(t, f, tick); err != nil || r.Out != 1 || w.queue.Backlog() != 0 {
			t.Fatalf("%v, %+v", err, r)
		}
	})
}
