package lease_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/lease"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("go.opencensus.io/stats/view.(*worker).start"))
}

const ttl = time.Minute

func open(t testing.TB, url string) *bucket.Bucket {
	t.Helper()
	b, err := bucket.Open(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func acquire(t *testing.T, b *bucket.Bucket, who string) *lease.Lease {
	t.Helper()
	l, err := lease.Acquire(t.Context(), b, "lease/", who, ttl)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func wantHeld(t *testing.T, b *bucket.Bucket, by string) {
	t.Helper()
	_, err := lease.Acquire(t.Context(), b, "lease/", "another", ttl)
	var held *lease.Held
	if !errors.As(err, &held) || held.By != by || time.Until(held.Until) > ttl {
		t.Fatalf("%v, want it held by %s", err, by)
	}
}

func TestHeldAsLongAsItsHolderLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, "mem://")
		l := acquire(t, b, "a")
		for range 50 {
			time.Sleep(ttl / 3)
			wantHeld(t, b, "a")
			if err := l.Err(); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		if l.Err() == nil || l.Context().Err() == nil {
			t.Error("it can be relied on after its release")
		}
		// The next one need not wait.
		if err := acquire(t, b, "b").Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		if keys, err := b.Keys(t.Context(), ""); err != nil || len(keys) > 1 {
			t.Errorf("left behind: %v, %v", keys, err)
		}
	})
}

// plant leaves the lease as a holder does that was killed.
func plant(t *testing.T, b *bucket.Bucket, number int, expires time.Time) {
	t.Helper()
	v := map[string]any{"holder": "killed", "expires": expires.UTC()}
	if err := b.PutJSON(t.Context(), fmt.Sprintf("lease/%020d", number), v); err != nil {
		t.Fatal(err)
	}
}

func TestAfterAKillTheNextWaitsNoLongerThanTheTerm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, "mem://")
		plant(t, b, 17, time.Now().Add(ttl))
		began := time.Now()
		wantHeld(t, b, "killed")
		for {
			time.Sleep(time.Second)
			l, err := lease.Acquire(t.Context(), b, "lease/", "b", ttl)
			if err == nil {
				if err := l.Release(t.Context()); err != nil {
					t.Error(err)
				}
				break
			}
		}
		if waited := time.Since(began); waited > ttl+time.Second {
			t.Errorf("waited %v", waited)
		}
	})
}

func TestAHolderThatStoodStillHasLost(t *testing.T) {
	b := open(t, "mem://")
	const short = 400 * time.Millisecond
	l, err := lease.Acquire(t.Context(), b, "lease/", "frozen", short)
	if err != nil {
		t.Fatal(err)
	}
	// Another has taken the next number meanwhile, as after this one's expiry.
	plantNext(t, b)
	<-l.Context().Done() // its next renewal tells it
	if err := context.Cause(l.Context()); !errors.Is(err, lease.ErrLost) {
		t.Error(err)
	}
	if err := lease.Check(l.Context()); !errors.Is(err, lease.ErrLost) {
		t.Error(err)
	}
	if err := l.Release(t.Context()); !errors.Is(err, lease.ErrLost) {
		t.Errorf("released what it had lost: %v", err)
	}
}

func plantNext(t *testing.T, b *bucket.Bucket) {
	t.Helper()
	for n := 2; ; n++ {
		err := b.CreateJSON(t.Context(), fmt.Sprintf("lease/%020d", n), map[string]any{"holder": "other", "expires": time.Now().Add(time.Hour)})
		if err == nil {
			return
		}
		if !errors.Is(err, bucket.ErrExists) {
			t.Fatal(err)
		}
	}
}

func TestLostWhenTheBucketCannotBeReached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, err := bucket.Open(t.Context(), "mem://")
		if err != nil {
			t.Fatal(err)
		}
		l := acquire(t, b, "a")
		_ = b.Close() // every call fails from now on
		began := time.Now()
		<-l.Context().Done()
		if took := time.Since(began); took < ttl/2 || took > ttl {
			t.Errorf("lost after %v: want most of the term used, and its end respected", took)
		}
		if err := l.Release(t.Context()); !errors.Is(err, lease.ErrLost) {
			t.Error(err)
		}
	})
}

func TestOneOfManyTakesIt(t *testing.T) {
	for _, url := range []string{"mem://", "file://" + t.TempDir()} {
		b := open(t, url)
		for round := range 20 {
			var wg sync.WaitGroup
			won := make(chan *lease.Lease, 16)
			for i := range 16 {
				wg.Go(func() {
					l, err := lease.Acquire(t.Context(), b, "lease/", fmt.Sprint(round, "-", i), ttl)
					var held *lease.Held
					switch {
					case err == nil:
						won <- l
					case !errors.As(err, &held):
						t.Error(err)
					}
				})
			}
			wg.Wait()
			close(won)
			n := 0
			for l := range won {
				n++
				if err := l.Release(t.Context()); err != nil {
					t.Error(err)
				}
			}
			if n != 1 {
				t.Fatalf("%s round %d: %d hold the lease", url, round, n)
			}
		}
	}
}

func TestCheckWithoutALease(t *testing.T) {
	if err := lease.Check(t.Context()); err != nil {
		t.Error(err)
	}
}
