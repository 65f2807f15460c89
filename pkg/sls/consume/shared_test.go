package consume_test

import (
	"strings"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/pkg/cause"
	"github.com/siemfeed/siemfeed/pkg/doctor"
	"github.com/siemfeed/siemfeed/pkg/doctor/doctortest"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/sls"
	"github.com/siemfeed/siemfeed/pkg/sls/consume"
	"github.com/siemfeed/siemfeed/pkg/sls/consume/consumetest"
)

// twoDeployments are two of one function, in one consumer group and with a STATE_URL
// each; the first has drained.
func twoDeployments(t *testing.T) (w *world, one, two *consume.Consumer) {
	t.Helper()
	w = newWorld(t, emulator.Options{Shards: 2}, quick)
	w.Unguarded = true // the second keeps its receipts elsewhere
	other := "file://" + t.TempDir()
	one, two = w.consumer(), w.consumer(func(c *consume.Config) { c.StateURL, c.QuarantineURL = other, other+"?prefix=quarantine/" })
	w.reads(one)
	return w, one, two
}

// reads has a consumer drain more logs, as if no other were in the group just then.
func (w *world) reads(c *consume.Consumer) *consume.Receipt {
	w.T.Helper()
	w.Fill(emulator.NewGenerator(1), 2, 5)
	w.Store.TimeOut(group)
	return w.mustRun(c)
}

// follows has the first deployment follow for as long as it takes to read more logs.
func follows(w *world) {
	w.T.Helper()
	w.Fill(emulator.NewGenerator(1), 2, 5)
	w.Store.TimeOut(group)
	w.Env["MODE"] = "follow"
	stop := w.Following(w.consumer())
	consumetest.Eventually(w.T, "it has read", func() bool { return len(w.mem.arrived()) == len(w.Logs()) })
	if err := stop(); err != nil {
		w.T.Error(err)
	}
}

// cameAnHourAgo has a consumer be in its group for an hour.
func cameAnHourAgo(w *world, c *consume.Consumer) {
	w.T.Helper()
	series := beginnings(c.State())
	var b sls.Beginning
	n, err := series.Latest(w.T.Context(), &b)
	if err != nil || n == 0 {
		w.T.Fatalf("%d %v", n, err)
	}
	b.Settled = b.Settled.Add(-time.Hour)
	if err := series.Append(w.T.Context(), n+1, b); err != nil {
		w.T.Fatal(err)
	}
}

func alone(t *testing.T, c *consume.Consumer) doctor.Check {
	t.Helper()
	return doctortest.Find(t, c.Doctor(t.Context(), doctor.New(time.Minute)), "consumer group to itself")
}

// Two deployments in one group take the shards from each other, and each misses what
// the other gets: both say so, in the log, in the receipt and to the doctor.
func TestSharedGroupIsTold(t *testing.T) {
	w, one, two := twoDeployments(t)
	cameAnHourAgo(w, one)
	if r := w.reads(two); r.Trouble != "" { // it may be taking the place of the other
		t.Errorf("trouble %q", r.Trouble)
	}
	doctortest.Want(t, alone(t, one), cause.Misconfigured, "SLS_CG")
	r := w.reads(one)
	for _, says := range []string{"consumer group group is shared", "siemfeed-memory-", "another STATE_URL", "shard 0, 1", "SLS_CG", "siemfeed backfill"} {
		if !strings.Contains(r.Trouble, says) {
			t.Errorf("trouble %q, want %q", r.Trouble, says)
		}
	}
	if r.Status != receipt.OK || !strings.Contains(w.Log.String(), "consumer group is shared") {
		t.Errorf("status %s", r.Status)
	}
	cameAnHourAgo(w, two)
	if r := w.reads(two); !strings.Contains(r.Trouble, "is shared") {
		t.Errorf("trouble %q", r.Trouble)
	}

	// One that follows says so in the receipt of each interval.
	w.reads(two)
	follows(w)
	all := w.receipts()
	if last := all[len(all)-1]; last.Mode != "follow" || !strings.Contains(last.Trouble, "is shared") {
		t.Errorf("receipt %+v", last)
	}
}

// What may be in a group together, or one after the other, is no trouble.
func TestGroupThatIsNotShared(t *testing.T) {
	quiet := func(t *testing.T, w *world, c *consume.Consumer) {
		t.Helper()
		if r := w.reads(c); r.Trouble != "" {
			t.Errorf("trouble %q", r.Trouble)
		}
	}
	well := func(t *testing.T, c *consume.Consumer) {
		t.Helper()
		if check := alone(t, c); !check.OK() {
			t.Errorf("%+v", check)
		}
	}
	t.Run("followers, drains and a backfill of one deployment", func(t *testing.T) {
		w, one, _ := twoDeployments(t)
		cameAnHourAgo(w, one)
		follows(w)
		if err := one.Backfill(t.Context(), time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour), nil); err != nil {
			t.Error(err)
		}
		quiet(t, w, one)
		well(t, one)
	})
	t.Run("one that takes another's place", func(t *testing.T) {
		w, one, two := twoDeployments(t)
		quiet(t, w, two)
		quiet(t, w, two)
		w.reads(one) // is still there for some minutes
		quiet(t, w, two)
		well(t, two)
	})
	t.Run("one that was here long ago", func(t *testing.T) {
		w, one, two := twoDeployments(t)
		cameAnHourAgo(w, one)
		w.reads(two)
		w.Store.SavedBefore(group, 26*time.Hour)
		well(t, one)
		quiet(t, w, one)
	})
}

// Before it comes to a group, a doctor tells that others are there.
func TestDoctorFindsAGroupInUse(t *testing.T) {
	_, _, two := twoDeployments(t)
	doctortest.Want(t, alone(t, two), cause.Misconfigured, "SLS_CG")
}
