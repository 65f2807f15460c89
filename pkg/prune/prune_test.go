package prune_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/emulator/inprocess"
	"github.com/siemfeed/siemfeed/pkg/emulator/oss"
	"github.com/siemfeed/siemfeed/pkg/outagetest"
	"github.com/siemfeed/siemfeed/pkg/prune"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
)

const day = 24 * time.Hour

func open(t *testing.T, url string, opts ...bucket.Option) *bucket.Bucket {
	t.Helper()
	b, err := bucket.Open(t.Context(), url, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func put(t *testing.T, b *bucket.Bucket, keys ...string) {
	t.Helper()
	for _, k := range keys {
		if err := b.WriteAll(t.Context(), k, []byte("12345"), nil); err != nil {
			t.Fatal(err)
		}
	}
}

func keys(t *testing.T, b *bucket.Bucket) []string {
	t.Helper()
	all, err := b.Keys(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// dayOf is the folder of the day so long ago.
func dayOf(ago time.Duration) string { return time.Now().UTC().Add(-ago).Format("2006/01/02/") }

func TestPrune(t *testing.T) {
	for _, url := range []string{"mem://", "file://" + t.TempDir()} {
		t.Run(url[:4], func(t *testing.T) {
			state := open(t, url)
			q := quarantine.New(state, "f")
			old := []string{
				"f/receipts/2020/12/31/a.json", "f/receipts/" + dayOf(450*day) + "a.json", "f/receipts/" + dayOf(450*day) + "b.json",
				"f/receipts/" + dayOf(402*day) + "c.json", "f/verify/" + dayOf(500*day) + "v.json",
				"f/rollup/" + dayOf(450*day) + "v1.json", "f/rollup/" + dayOf(402*day) + "v1.json",
			}
			stay := []string{
				"f/rollup/" + dayOf(400*day) + "v1.json", "g/rollup/2020/12/31/v1.json",
				"f/receipts/" + dayOf(400*day) + "d.json", "f/receipts/" + dayOf(0) + "e.json", "f/verify/" + dayOf(day) + "v.json",
				"f/lease/00000000000000000001", "f/2020/01/01/other", "g/receipts/2020/12/31/a.json", "f/receipts.json", "f/receipts/2020/notes.txt",
			}
			put(t, state, append(slices.Clone(old), stay...)...)
			// Of two that were rejected long ago one was replayed; of those of today, too.
			var names []string
			for _, ago := range []time.Duration{500 * day, 499 * day, 0} {
				for _, id := range []string{"done", "pending"} {
					name, err := q.Put(t.Context(), time.Now().Add(-ago), fmt.Sprint(id, ago), quarantine.Entry{Code: "c"}, []byte("1"))
					if err != nil {
						t.Fatal(err)
					}
					names = append(names, name)
				}
			}
			for o, err := range q.Pending(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				if i := slices.Index(names, o.Name); i%2 == 0 {
					if err := q.Replayed(t.Context(), o); err != nil {
						t.Fatal(err)
					}
				}
			}
			before := keys(t, state)
			todo := func(dry bool) prune.Report {
				t.Helper()
				task, err := prune.Begin(t.Context(), state, "f", prune.Options{Keep: 400 * day, DryRun: dry})
				if err == nil {
					err = task.Proof(t.Context(), state, "f", q)
				}
				if err != nil {
					t.Fatal(err)
				}
				return task.Report()
			}
			want := func(what string, r prune.Report, objects ...int64) {
				t.Helper()
				for i, n := range objects {
					if l := r.Lines[i]; l.Objects != n || (l.Bytes > 0) != (n > 0) {
						t.Errorf("%s: %+v, want %d", what, l, n)
					}
				}
				if l := r.Lines[3]; l.Kept != 2 || l.Why == "" {
					t.Errorf("%s: two wait in quarantine: %+v", what, l)
				}
			}
			want("dry run", todo(true), 4, 2, 1, 2)
			if now := keys(t, state); !slices.Equal(now, before) {
				t.Errorf("a dry run changed %v to %v", before, now)
			}
			if until, err := prune.Until(t.Context(), state, "f"); err != nil || !until.IsZero() {
				t.Errorf("never pruned, and gone until %v, %v", until, err)
			}
			r := todo(false)
			want("first", r, 4, 2, 1, 2)
			left := keys(t, state)
			for _, k := range old {
				if slices.Contains(left, k) {
					t.Errorf("%s is still there", k)
				}
			}
			for _, k := range append(stay, names[1], names[3], names[4], names[5]) {
				if !slices.Contains(left, k) {
					t.Errorf("%s is gone", k)
				}
			}
			if n := len(left); n != len(before)-len(old)-4+1 { // two of quarantine with their marks; and what was noted
				t.Errorf("of %d objects %d are left", len(before), n)
			}
			if until, err := prune.Until(t.Context(), state, "f"); err != nil || !until.Equal(r.Before) || time.Since(until) < 400*day || time.Since(until) > 401*day {
				t.Errorf("gone until %v, %v", until, err)
			}
			want("again", todo(false), 0, 0, 0, 0)
		})
	}
}

func TestPruneKeepsAWeekAtLeast(t *testing.T) {
	state := open(t, "mem://")
	for _, keep := range []time.Duration{0, -day, 6 * day} {
		if _, err := prune.Begin(t.Context(), state, "f", prune.Options{Keep: keep}); err == nil {
			t.Errorf("it keeps %v", keep)
		}
	}
	if left := keys(t, state); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}

// A replayed object that was rejected again since is pending.
func TestPruneKeepsWhatWasRejectedAgain(t *testing.T) {
	state := open(t, "mem://")
	q := quarantine.New(state, "f")
	at := time.Now().Add(-500 * day)
	reject := func(text string) string {
		name, err := q.Put(t.Context(), at, "id", quarantine.Entry{Code: "c"}, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return name
	}
	name := reject("once")
	for o, err := range q.Pending(t.Context()) {
		if err = errors.Join(err, q.Replayed(t.Context(), o)); err != nil {
			t.Fatal(err)
		}
	}
	reject("and again")
	task, err := prune.Begin(t.Context(), state, "f", prune.Options{Keep: 400 * day})
	if err == nil {
		err = task.Quarantine(t.Context(), q)
	}
	if l := task.Report().Lines[0]; err != nil || l.Objects != 0 || l.Kept != 1 || !slices.Contains(keys(t, state), name) {
		t.Errorf("%+v, %v", l, err)
	}
}

// slow answers after 40 ms, and counts what is under way.
type slow struct {
	h http.Handler

	mu        sync.Mutex
	now, most int
}

func (s *slow) count(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now += n
	s.most = max(s.most, s.now)
}

func (s *slow) RoundTrip(r *http.Request) (*http.Response, error) {
	s.count(1)
	defer s.count(-1)
	time.Sleep(40 * time.Millisecond)
	return inprocess.Transport{Handler: s.h}.RoundTrip(r)
}

// Many objects are removed side by side, while they are listed; what is cut off
// goes on.
func TestPruneManyObjects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const days, each = 20, 300
		server := oss.New(oss.Options{AccessKeyID: outagetest.KeyID, AccessKeySecret: outagetest.Secret})
		server.AddBucket("state")
		s := &slow{h: server}
		state := open(t, outagetest.BucketURL("http://localhost", "state"), outagetest.WithKeys(),
			bucket.WithTransport(func(http.RoundTripper) http.RoundTripper { return s }))
		done := make(chan error)
		for d := range days {
			go func() {
				var err error
				for i := range each {
					err = errors.Join(err, state.WriteAll(t.Context(), fmt.Sprintf("f/receipts/%s%03d.json", dayOf(time.Duration(500-d)*day), i), []byte("x"), nil))
				}
				done <- err
			}()
		}
		for range days {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		s.most = 0
		var total int64
		remove := func(ctx context.Context) error {
			began := time.Now()
			task, err := prune.Begin(t.Context(), state, "f", prune.Options{Keep: 400 * day})
			if err != nil {
				t.Fatal(err)
			}
			err = task.Days(ctx, state, "receipts", "f/receipts/")
			total += task.Report().Lines[0].Objects
			t.Logf("%d objects in %v, %d calls at a time", task.Report().Lines[0].Objects, time.Since(began), s.most)
			if time.Since(began) > 20*time.Second { // alone each would take 40 ms: 4 minutes
				t.Errorf("it took %v", time.Since(began))
			}
			return err
		}
		cut, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if err := remove(cut); err == nil {
			t.Error("it was not cut off")
		}
		if err := remove(t.Context()); err != nil || total > days*each || total < days*each*9/10 { // what was under way when it was cut off is not counted
			t.Errorf("%d removed, %v", total, err)
		}
		if left := keys(t, state); len(left) != 1 || !strings.HasPrefix(left[0], "f/pruned/") {
			t.Errorf("%d objects are left", len(left))
		}
		if most := s.most; most > 70 {
			t.Errorf("%d calls side by side", most)
		}
	})
}
