package muleaudit_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
	"github.com/siemfeed/siemfeed/pkg/emulator/inprocess"
	"github.com/siemfeed/siemfeed/pkg/emulator/oss"
	"github.com/siemfeed/siemfeed/pkg/outagetest"
)

// asleep is a world whose time passes at once, with buckets in memory. It has to
// be made inside synctest.
func asleep(t *testing.T, o emulator.Options, env map[string]string) *world {
	t.Helper()
	o.ClientSecret = secret
	w := worldAt(t, emulator.New(o), "http://localhost", map[string]string{"STATE_URL": "mem://", "OUTPUT_URL": "mem://"})
	for k, v := range env {
		w.env[k] = v
	}
	w.client = &http.Client{Transport: inprocess.Transport{Handler: w.api}}
	return w
}

// through opens a bucket whose requests go by way of rt.
func (w *world) through(rt http.RoundTripper, url string) *bucket.Bucket {
	w.t.Helper()
	b, err := bucket.Open(w.t.Context(), url, outagetest.WithKeys(),
		bucket.WithTransport(func(http.RoundTripper) http.RoundTripper { return rt }))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = b.Close() })
	return b
}

func groups(n int) (ids []string) {
	for i := range n {
		ids = append(ids, fmt.Sprintf("group-%02d", i))
	}
	return ids
}

// Eighty groups on a plane of 40 requests a minute, each with a watermark, and a
// tick every quarter of an hour: what is new in any of them is out within a few
// runs, what comes late too, and none starves, though one has more than all runs
// can read.
func TestEightyGroupsOnASmallPlane(t *testing.T) {
	if scale > 1 {
		t.Skip("about a budget; walks of many groups side by side are elsewhere")
	}
	synctest.Test(t, func(t *testing.T) {
		const every = 15 * time.Minute
		ids := groups(80)
		w := asleep(t, emulator.Options{RatePerMinute: 40, Sliding: true, Latency: 300 * time.Millisecond}, map[string]string{
			"MULE_ORG_ID": strings.Join(ids, ","), "MULE_RATE_PER_MIN": "40", "MULE_LOOKBACK": "15m", "MULE_PAGE_SIZE": "20",
		})
		want := map[string][]emulator.Event{}
		add := func(org string, at time.Time, name string) {
			t.Helper()
			e := entry(at, name)
			want[org] = append(want[org], e)
			if err := w.api.Add(org, e); err != nil {
				t.Fatal(err)
			}
		}
		for _, id := range ids {
			w.api.AddOrg(id, "")
		}
		f := w.function()
		w.mustRun(f, "{}")
		// Two hours in which each group has a few events; the first has a hundred
		// pages, thrice, which is more than a run can read.
		start := time.Now()
		busy := emulator.Generate(ids[0], emulator.Generated{Seed: 1, N: 6000, From: start, To: start.Add(2 * time.Hour)})
		want[ids[0]] = busy
		if err := w.api.Add(ids[0], busy...); err != nil {
			t.Fatal(err)
		}
		for n := range 10 {
			time.Sleep(every)
			for i, id := range ids[1:] {
				if n < 8 {
					add(id, time.Now().Add(-6*time.Minute), fmt.Sprint("new ", n))
				}
				if i%8 == n {
					add(id, time.Now().Add(-40*time.Minute), "late")
				}
			}
			before := time.Now()
			r, err := w.run(f, "{}")
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range r.Orgs {
				if o.Org != ids[0] && o.Remaining != "" {
					t.Errorf("run %d: %s waits for %s", n, o.Org, o.Remaining)
				}
			}
			if took := time.Since(before); took > 8*time.Minute {
				t.Errorf("a run took %v", took)
			}
			time.Sleep(time.Until(before.Add(every)) - time.Second)
		}
		for range 12 { // the busy one's rest, and who was late last
			time.Sleep(every)
			if _, err := w.run(f, "{}"); err != nil {
				t.Fatal(err)
			}
		}
		if m := w.api.Metrics(); m.Throttled > 0 {
			t.Errorf("%d requests beyond the budget", m.Throttled)
		}
		w.wantExactly(hour, want)
	})
}

// A turn that is shorter than what happened in one millisecond, or than what an API
// without order has to be read of at once, gets somewhere all the same.
func TestShortTurnsGetSomewhere(t *testing.T) {
	for name, d := range map[string]emulator.Deviations{"all at once": {}, "without order": {Descending: true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ids := groups(40)
				w := asleep(t, emulator.Options{Deviations: d}, map[string]string{
					"MULE_ORG_ID": strings.Join(ids, ","), "MULE_RATE_PER_MIN": "40", "MULE_LOOKBACK": "2h", "MULE_PAGE_SIZE": "10",
				})
				var events []emulator.Event
				for i := range 400 {
					at := aligned(1)
					if d.Descending {
						at = at.Add(time.Duration(i) * 5 * time.Second)
					}
					events = append(events, entry(at, fmt.Sprint(i)))
				}
				for _, id := range ids {
					if err := w.api.Add(id, events...); err != nil {
						t.Fatal(err)
					}
				}
				out := int64(0)
				for runs := 1; out < int64(len(ids)*len(events)); runs++ {
					r, err := w.run(w.function(), "{}")
					if err != nil || runs > 10 { // 1640 pages are 5.2 budgets
						t.Fatalf("run %d: %v, %d out", runs, err, out)
					}
					out += r.Out
				}
			})
		})
	}
}

// What a quiet organisation costs, a tick every quarter of an hour.
func TestQuietOrganisationCostsLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := oss.New(oss.Options{AccessKeyID: outagetest.KeyID, AccessKeySecret: outagetest.Secret})
		store.AddBucket("state")
		c := &tally{inner: inprocess.Transport{Handler: store}, n: map[string]int{}}
		w := asleep(t, emulator.Options{}, map[string]string{"QUARANTINE_URL": "mem://"})
		w.state = w.through(c, outagetest.BucketURL("http://localhost", "state"))
		w.api.AddOrg("org-1", "")
		f := w.function()
		w.mustRun(f, "{}")
		var all, changes, lists, reads int
		const runs = 96
		for range runs {
			time.Sleep(15 * time.Minute)
			clear(c.n)
			before := w.api.Metrics().Requests["query"]
			w.mustRun(f, "{}")
			asked := w.api.Metrics().Requests["query"] - before
			changed := c.n[http.MethodPut] + c.n[http.MethodPost] + c.n[http.MethodDelete]
			if asked > 3 || changed > 6 {
				t.Errorf("%d requests to the API; to the state %v", asked, c.n)
			}
			all, changes, lists, reads = all+asked, changes+changed, lists+c.n["LIST"], reads+c.n[http.MethodGet]
			for _, n := range c.n {
				if n > 20 {
					t.Errorf("to the state %v", c.n)
				}
			}
		}
		t.Logf("a run takes %.1f requests to the API, and to the state %.1f changes, %.1f lists and %.1f reads",
			float64(all)/runs, float64(changes)/runs, float64(lists)/runs, float64(reads)/runs)
		if lists > 6*runs || reads > 8*runs {
			t.Errorf("%d lists and %d reads in %d runs", lists, reads, runs)
		}
	})
}

// queue redelivers what is not answered well, as Pub/Sub does by default: after
// ten seconds, and then ever later up to ten minutes.
type queue struct {
	waiting []delivery
}

type delivery struct {
	at, published time.Time
	wait          time.Duration
}

func (q *queue) publish() {
	q.waiting = append(q.waiting, delivery{time.Now(), time.Now(), 10 * time.Second})
}

// next delivers what is due, one after the other, until the time comes.
func (q *queue) until(end time.Time, deliver func(published time.Time) (status int)) {
	for {
		slices.SortFunc(q.waiting, func(a, b delivery) int { return a.at.Compare(b.at) })
		if len(q.waiting) == 0 || q.waiting[0].at.After(end) {
			time.Sleep(time.Until(end))
			return
		}
		d := q.waiting[0]
		q.waiting = q.waiting[1:]
		time.Sleep(time.Until(d.at))
		if deliver(d.published) != http.StatusOK {
			d.at, d.wait = time.Now().Add(d.wait), min(2*d.wait, 10*time.Minute)
			q.waiting = append(q.waiting, d)
		}
	}
}

// One organisation is refused for a day of ticks, each redelivered until it is
// answered well: the rate of runs does not grow, the others are delivered, and
// the refused one's lag is told.
func TestFailingTicksDoNotPileUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const every = 15 * time.Minute
		w := asleep(t, emulator.Options{}, map[string]string{"MULE_ORG_ID": "a,b"})
		w.api.AddOrg("a", "")
		w.api.AddOrg("b", "")
		f := w.function()
		w.mustRun(f, "{}")
		w.api.Forbid("b", true)
		var q queue
		runs := make([]int, 24)
		var want []emulator.Event
		lag := 0.0
		for tick := range 96 {
			e := entry(time.Now().Add(every-6*time.Minute), fmt.Sprint(tick))
			if want = append(want, e); w.api.Add("a", e) != nil {
				t.Fatal("not added")
			}
			q.until(time.Now().Add(every), func(published time.Time) int {
				status, answer := w.post(f, pubsubAt("{}", published))
				if !strings.Contains(answer, `"overtaken_by":`) {
					runs[tick/4]++
				} else if status != http.StatusOK {
					t.Errorf("overtaken and %d", status)
				}
				return status
			})
			q.publish()
		}
		q.until(time.Now().Add(every), func(published time.Time) int {
			status, _ := w.post(f, pubsubAt("{}", published))
			return status
		})
		t.Logf("runs by the hour: %v; %d ticks wait", runs, len(q.waiting))
		if first, last := runs[1], runs[23]; last > first || last > 40 || len(q.waiting) > 2 {
			t.Errorf("runs by the hour: %v; %d ticks wait", runs, len(q.waiting))
		}
		w.wantExactly(hour, map[string][]emulator.Event{"a": want})
		r, err := w.run(f, "{}")
		if err == nil || r.LagSeconds == nil {
			t.Fatal(err)
		}
		if lag = *r.LagSeconds; lag < 24*3600 || lag > 26*3600 {
			t.Errorf("lag of %v s", lag)
		}
		// What partly failed of old ticks is made up for when it is allowed again.
		w.api.Forbid("b", false)
		if r := w.mustRun(f, "{}"); *r.LagSeconds > 600 {
			t.Errorf("lag of %v s", *r.LagSeconds)
		}
	})
}

func pubsubAt(data string, published time.Time) string {
	return fmt.Sprintf(`{"message":{"data":%q,"messageId":"1","publishTime":%q},"subscription":"s"}`,
		base64.StdEncoding.EncodeToString([]byte(data)), published.UTC().Format(time.RFC3339Nano))
}

// A backfill insists, however old its message.
func TestBackfillIsNotOvertaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := asleep(t, emulator.Options{}, nil)
		e := entry(time.Now().Add(-50*time.Hour), "old")
		if err := w.api.Add("org-1", e); err != nil {
			t.Fatal(err)
		}
		f := w.function()
		published := time.Now()
		time.Sleep(hour)
		w.mustRun(f, "{}")
		message := fmt.Sprintf(`{"from":%q,"to":%q}`, published.Add(-51*time.Hour).Format(time.RFC3339), published.Add(-49*time.Hour).Format(time.RFC3339))
		if status, answer := w.post(f, pubsubAt(message, published)); status != http.StatusOK || strings.Contains(answer, "overtaken") {
			t.Errorf("%d %s", status, answer)
		}
		w.wantExactly(hour, map[string][]emulator.Event{"org-1": {e}})
	})
}

// MULE_SLICE changed by mistake, and back, costs what the time costs in which it
// was in use.
func TestMistakenSliceLengthCostsNothingForGood(t *testing.T) {
	if scale > 1 {
		t.Skip("about numbers of requests, one after the other")
	}
	synctest.Test(t, func(t *testing.T) {
		store := oss.New(oss.Options{AccessKeyID: outagetest.KeyID, AccessKeySecret: outagetest.Secret})
		store.AddBucket("state")
		c := &tally{inner: inprocess.Transport{Handler: store}, n: map[string]int{}}
		w := asleep(t, emulator.Options{}, map[string]string{"QUARANTINE_URL": "mem://"})
		w.state = w.through(c, outagetest.BucketURL("http://localhost", "state"))
		begin := time.Now()
		events := emulator.Generate("org-1", emulator.Generated{Seed: 2, N: 5000, From: begin.Add(-24 * time.Hour), To: begin.Add(124 * time.Hour)})
		if err := w.api.Add("org-1", events...); err != nil {
			t.Fatal(err)
		}
		// A run of the day's second half takes so many requests to the state at most.
		day := func(slice string) (most int) {
			w.env["MULE_SLICE"] = slice
			f := w.function()
			for n := range 24 {
				clear(c.n)
				w.mustRun(f, "{}")
				requests := 0
				for _, n := range c.n {
					requests += n
				}
				if n >= 12 {
					most = max(most, requests)
				}
				time.Sleep(hour)
			}
			return most
		}
		before := day("1h")
		day("5m")
		day("12h") // whose slices overlap those of many hours
		day("1h")  // in which that is looked behind for
		after := day("1h")
		t.Logf("a run takes %d requests to the state before, %d after", before, after)
		if after > before+2 {
			t.Errorf("a run takes %d requests to the state before, %d after", before, after)
		}
		w.wantExactly(12*hour, map[string][]emulator.Event{"org-1": slices.DeleteFunc(events, func(e emulator.Event) bool { return e.Time.After(begin.Add(119*time.Hour - 5*time.Minute)) })})
	})
}
