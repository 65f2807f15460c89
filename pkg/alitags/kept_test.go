package alitags_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gocloud.dev/blob"

	"github.com/siemfeed/siemfeed/pkg/alibaba"
	"github.com/siemfeed/siemfeed/pkg/alitags"
	"github.com/siemfeed/siemfeed/pkg/bucket"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/alibaba"
	"github.com/siemfeed/siemfeed/pkg/emulator/oss"
)

// state opens the bucket that a process keeps its state in.
func state(t testing.TB) *bucket.Bucket {
	t.Helper()
	b, err := bucket.Open(context.Background(), "file://"+t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func keepIn(b *bucket.Bucket) func(*alitags.Options) {
	return func(o *alitags.Options) { o.Kept, o.Prefix = b, "trailtags/tags/" }
}

// process is a client that starts: it reads what was kept.
func (w *world) process(t testing.TB, b *bucket.Bucket, change ...func(*alitags.Options)) *alitags.Client {
	t.Helper()
	c := w.open(t, append(change, keepIn(b))...)
	if err := c.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c
}

func save(t testing.TB, c *alitags.Client) {
	t.Helper()
	if err := c.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func objects(t testing.TB, b *bucket.Bucket) []string {
	t.Helper()
	keys, err := b.Keys(context.Background(), "trailtags/tags/")
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// TestKnownTagsOutliveTheProcess, which is killed right after it saved, and a
// month.
func TestKnownTagsOutliveTheProcess(t *testing.T) {
	b := state(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, emulator.Options{})
		create(w.member, 3)
		tags := map[string]string{"проект": "сияние", "n": strings.Repeat("值", 128)}
		w.member.Tag(made(instance(member, 0)), tags)
		first := w.process(t, b)
		one(t, first, instance(member, 0), event("StartInstance"))
		one(t, first, instance(member, 1), event("StartInstance"))
		save(t, first)
		one(t, first, instance(member, 2), event("StartInstance")) // not saved: its event is read again

		time.Sleep(31 * 24 * time.Hour)
		for i := range 3 {
			w.member.Delete(made(instance(member, i)))
		}
		second := w.process(t, b)
		want(t, one(t, second, instance(member, 0), event("DeleteInstance")), alitags.Stale, tags)
		want(t, one(t, second, instance(member, 2), event("DeleteInstance")), alitags.Gone, nil)
		save(t, second)
		// A third knows of the delete as well.
		third := w.process(t, b)
		want(t, one(t, third, instance(member, 0), event("DescribeInstances")), alitags.Stale, tags)
		want(t, one(t, third, instance(member, 2), event("DescribeInstances")), alitags.Gone, nil)
		// What was untagged stays so.
		one(t, third, instance(member, 0), event("UntagResources"))
		save(t, third)
		fourth := w.process(t, b)
		want(t, one(t, fourth, instance(member, 0), event("DeleteInstance")), alitags.Gone, nil)
	})
}

// TestNothingNewIsNotWritten: an answer that says what is known costs no object.
func TestNothingNewIsNotWritten(t *testing.T) {
	b := state(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, emulator.Options{})
		create(w.member, 10)
		c := w.process(t, b)
		save(t, c)
		if n := len(objects(t, b)); n != 0 {
			t.Errorf("%d objects of nothing", n)
		}
		for range 20 { // two hours
			for i := range 10 {
				one(t, c, instance(member, i), alitags.Event{})
			}
			save(t, c)
			time.Sleep(6 * time.Minute)
		}
		if n := len(objects(t, b)); n != 1 {
			t.Errorf("%d objects", n)
		}
	})
}

// TestFewObjects saves after each of many lookups, as a function does that saves
// a checkpoint every second, in processes that come and go.
func TestFewObjects(t *testing.T) {
	b := state(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, emulator.Options{})
		create(w.member, 400)
		most := 0
		for p := range 5 {
			c := w.process(t, b, func(o *alitags.Options) { o.Size = 200 })
			for i := range 80 {
				one(t, c, instance(member, 80*p+i), alitags.Event{})
				save(t, c)
				most = max(most, len(objects(t, b)))
				time.Sleep(time.Second)
			}
		}
		if most > 70 {
			t.Errorf("%d objects at once", most)
		}
		for i := range 400 {
			w.member.Delete(made(instance(member, i)))
		}
		c := w.process(t, b, func(o *alitags.Options) { o.Size = 200 })
		for i := 220; i < 400; i++ { // well within the 200 remembered
			if a := one(t, c, instance(member, i), event("DeleteInstance")); a.Status != alitags.Stale || a.Tags.Map()["n"] != fmt.Sprint(i) {
				t.Fatalf("%d: %+v", i, a)
			}
		}
		if a := one(t, c, instance(member, 0), event("DeleteInstance")); a.Status != alitags.Gone {
			t.Errorf("more is remembered than TAG_CACHE_SIZE: %+v", a)
		}
	})
}

// TestProcessesSideBySide save and merge at the same time, each what the other
// does not know.
func TestProcessesSideBySide(t *testing.T) {
	b := state(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, emulator.Options{})
		create(w.member, 160)
		ended := make(chan error)
		for p := range 4 {
			c := w.process(t, b)
			go func() {
				var err error
				for i := range 40 {
					_, getErr := c.Get(context.Background(), instance(member, 40*p+i), alitags.Event{})
					err = errors.Join(err, getErr, c.Save(context.Background()))
					time.Sleep(time.Second)
				}
				ended <- err
			}()
		}
		for range 4 {
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
		}
		for i := range 160 {
			w.member.Delete(made(instance(member, i)))
		}
		c := w.process(t, b)
		for i := range 160 {
			if a := one(t, c, instance(member, i), event("DeleteInstance")); a.Status != alitags.Stale || a.Tags.Map()["n"] != fmt.Sprint(i) {
				t.Fatalf("%d: %+v", i, a)
			}
		}
	})
}

// TestWhatAnotherProcessKnows is read when it is needed: shards move.
func TestWhatAnotherProcessKnows(t *testing.T) {
	b := state(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, emulator.Options{})
		create(w.member, 2)
		one1, two := w.process(t, b), w.process(t, b)
		one(t, one1, instance(member, 0), alitags.Event{})
		save(t, one1)
		time.Sleep(time.Hour)
		w.member.Delete(made(instance(member, 0)))
		want(t, one(t, two, instance(member, 0), event("DeleteInstance")), alitags.Stale, map[string]string{"n": "0"})
	})
}

// TestAnotherProcessKnowsBetter: events of one resource come in by many shards, so
// that the tags it had when it was deleted may have been seen elsewhere.
func TestAnotherProcessKnowsBetter(t *testing.T) {
	for name, change := range map[string]struct {
		event  string
		do     func(*world)
		status alitags.Status
		tags   map[string]string
	}{
		"tags that were set":   {"TagResources", func(w *world) { w.member.Tag(made(instance(member, 0)), map[string]string{"n": "new"}) }, alitags.Stale, map[string]string{"n": "new"}},
		"tags that were taken": {"UntagResources", func(w *world) { w.member.Untag(made(instance(member, 0))) }, alitags.Gone, nil},
	} {
		t.Run(name, func(t *testing.T) {
			b := state(t)
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, emulator.Options{})
				create(w.member, 1)
				mine, theirs := w.process(t, b), w.process(t, b)
				one(t, mine, instance(member, 0), alitags.Event{})
				save(t, mine)
				time.Sleep(time.Hour)
				change.do(w)
				one(t, theirs, instance(member, 0), event(change.event))
				save(t, theirs)
				time.Sleep(time.Hour)
				w.member.Delete(made(instance(member, 0)))
				want(t, one(t, mine, instance(member, 0), event("DeleteInstance")), change.status, change.tags)
			})
		})
	}
}

// TestAKillBetweenWriteAndDelete leaves old objects beside what replaces them.
func TestAKillBetweenWriteAndDelete(t *testing.T) {
	b := state(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, emulator.Options{})
		create(w.member, 60)
		copies := map[string][]byte{}
		c := w.process(t, b)
		for i := range 60 {
			one(t, c, instance(member, i), alitags.Event{})
			save(t, c)
			for _, key := range objects(t, b) {
				if copies[key] == nil {
					data, err := b.ReadAll(context.Background(), key)
					if err != nil {
						t.Fatal(err)
					}
					copies[key] = data
				}
			}
			time.Sleep(time.Second)
		}
		w.member.Tag(made(instance(member, 5)), map[string]string{"n": "new"})
		one(t, c, instance(member, 5), event("TagResources"))
		save(t, c)
		for key, data := range copies { // every delete undone
			if _, err := b.Put(context.Background(), key, strings.NewReader(string(data)), blob.WriterOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 60 {
			w.member.Delete(made(instance(member, i)))
		}
		next := w.process(t, b)
		for i := range 60 {
			n := fmt.Sprint(i)
			if i == 5 {
				n = "new"
			}
			want(t, one(t, next, instance(member, i), event("DeleteInstance")), alitags.Stale, map[string]string{"n": n})
		}
		save(t, next)
		if n := len(objects(t, b)); n > 2 {
			t.Errorf("%d objects are left", n)
		}
	})
}

// TestManyObjectsAreRemovedAtOnce, since checkpoints wait for it: a store may take
// a third of a second for each.
func TestManyObjectsAreRemovedAtOnce(t *testing.T) {
	s := oss.New(oss.Options{})
	s.AddBucket("state")
	url := s.Start()
	defer s.Close()
	var removed, failed atomic.Int64
	company := make(chan struct{})
	b := openOSS(t, url, func(next http.RoundTripper) http.RoundTripper {
		return transport(func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodDelete {
				if removed.Add(1) == 2 {
					close(company)
				}
				select {
				case <-company:
				case <-time.After(20 * time.Second):
					t.Error("one object is removed after the other")
				}
				if failed.Load() > 0 && removed.Load()%2 == 0 {
					return &http.Response{StatusCode: http.StatusForbidden, Status: "403 Forbidden", Header: http.Header{}, Body: http.NoBody, Request: r}, nil
				}
			}
			return next.RoundTrip(r)
		})
	})
	w := newWorld(t, emulator.Options{})
	create(w.member, 60)
	c := w.process(t, b)
	fill := func(from, to int) (err error) {
		for i := from; i < to && err == nil; i++ {
			one(t, c, instance(member, i), alitags.Event{})
			err = c.Save(t.Context())
		}
		return err
	}
	if err := fill(0, 25); err != nil || removed.Load() == 0 {
		t.Fatalf("%d removed, %v", removed.Load(), err)
	}
	// Those that could not be removed are the next time.
	failed.Store(1)
	if err := fill(25, 60); err == nil {
		t.Error("nothing is said of what could not be removed")
	}
	failed.Store(0)
	save(t, c)
	if n := len(objects(t, b)); n > 16 {
		t.Errorf("%d objects are left", n)
	}
	for i := range 60 {
		w.member.Delete(made(instance(member, i)))
	}
	want(t, one(t, w.process(t, b), instance(member, 3), event("DeleteInstance")), alitags.Stale, map[string]string{"n": "3"})
}

// TestABucketThatFails: what cannot be saved is an error, and saved the next time.
func TestABucketThatFails(t *testing.T) {
	s := oss.New(oss.Options{})
	s.AddBucket("state")
	url := s.Start()
	defer s.Close()
	var down bool
	b := openOSS(t, url, func(next http.RoundTripper) http.RoundTripper {
		return transport(func(r *http.Request) (*http.Response, error) {
			if down && r.Method == http.MethodPut {
				return &http.Response{StatusCode: http.StatusForbidden, Status: "403 Forbidden", Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
			}
			return next.RoundTrip(r)
		})
	})
	w := newWorld(t, emulator.Options{})
	create(w.member, 1)
	c := w.process(t, b)
	one(t, c, instance(member, 0), alitags.Event{})
	down = true
	if err := c.Save(t.Context()); err == nil {
		t.Fatal("saved all the same")
	}
	down = false
	save(t, c)
	w.member.Delete(made(instance(member, 0)))
	want(t, one(t, w.process(t, b), instance(member, 0), event("DeleteInstance")), alitags.Stale, map[string]string{"n": "0"})
}

// TestAnObjectThatIsNone is named, and neither removed nor in the way of others.
func TestAnObjectThatIsNone(t *testing.T) {
	b := state(t)
	for name, data := range map[string]string{"trailtags/tags/broken.ndjson.gz": "no gzip", "trailtags/tags/zzz.ndjson.gz": ""} {
		if _, err := b.Put(t.Context(), name, strings.NewReader(data), blob.WriterOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, emulator.Options{})
		create(w.member, 100)
		c := w.process(t, b)
		for i := range 100 { // they are merged many times
			one(t, c, instance(member, i), alitags.Event{})
			save(t, c)
			time.Sleep(time.Second)
		}
		w.member.Delete(made(instance(member, 0)))
		next := w.process(t, b)
		want(t, one(t, next, instance(member, 0), event("DeleteInstance")), alitags.Stale, map[string]string{"n": "0"})
		if bad := fmt.Sprint(next.Unreadable()); !strings.Contains(bad, "broken.ndjson.gz") || !strings.Contains(bad, "zzz.ndjson.gz") {
			t.Error(bad)
		}
		if err := errors.Join(b.Remove(context.Background(), "trailtags/tags/broken.ndjson.gz"), b.Remove(context.Background(), "trailtags/tags/zzz.ndjson.gz"), next.Load(context.Background())); err != nil || len(next.Unreadable()) > 0 {
			t.Error(err, next.Unreadable())
		}
	})
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// openOSS opens the bucket that users without another cloud have.
func openOSS(t *testing.T, url string, wrap func(http.RoundTripper) http.RoundTripper) *bucket.Bucket {
	t.Helper()
	b, err := bucket.Open(t.Context(), "oss://state?region=cn-hangzhou&endpoint="+url,
		bucket.WithOSS(alibaba.Static("ak", "secret", "")), bucket.WithTransport(wrap))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}
