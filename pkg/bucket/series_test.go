package bucket

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"
)

var (
	errKilled = errors.New("killed")
	errLost   = errors.New("the answer is lost")
)

// step is one request to the store that waits to be let through.
type step struct {
	do   func() error
	done chan error
}

// stepped is the store of one process, whose requests go through when the
// test says so, or not.
type stepped struct {
	*Bucket
	steps chan step
	dead  bool
}

func (s *stepped) at(do func() error) error {
	if s.dead {
		return errKilled
	}
	st := step{do, make(chan error, 1)}
	s.steps <- st
	err := <-st.done
	s.dead = s.dead || errors.Is(err, errKilled)
	return err
}

func (s *stepped) CreateBytes(ctx context.Context, key string, data []byte, contentType string) error {
	return s.at(func() error { return s.Bucket.CreateBytes(ctx, key, data, contentType) })
}

func (s *stepped) ReadJSON(ctx context.Context, key string, v any) error {
	return s.at(func() error { return s.Bucket.ReadJSON(ctx, key, v) })
}

func (s *stepped) Keys(ctx context.Context, prefix string) (keys []string, err error) {
	err = s.at(func() (err error) { keys, err = s.Bucket.Keys(ctx, prefix); return err })
	return keys, err
}

func (s *stepped) Remove(ctx context.Context, key string) error {
	return s.at(func() error { return s.Bucket.Remove(ctx, key) })
}

// entry is what the processes of the test append.
type entry struct {
	By string
	N  uint64
}

// won is what the test knows of the numbers that were appended.
type won struct {
	mu      sync.Mutex
	by      map[uint64]string
	highest uint64
}

// seen is the highest number known to be appended at the moment.
func (w *won) seen() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.highest
}

func (w *won) add(t *rapid.T, e entry, before uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if other, ok := w.by[e.N]; ok {
		t.Errorf("%s and %s both have number %d", other, e.By, e.N)
	}
	if e.N <= before {
		t.Errorf("%s has number %d, though %d had been appended before it tried", e.By, e.N, before)
	}
	w.by[e.N], w.highest = e.By, max(w.highest, e.N)
}

// live is one process: it looks for the latest, appends a number above it, and
// trims, over and over, until it is killed.
func live(ctx context.Context, t *rapid.T, s Series, w *won, name string, gap, keep uint64) {
	for turn := range 4 {
		before := w.seen()
		var e entry
		n, err := s.Latest(ctx, &e)
		if errors.Is(err, errKilled) {
			return
		}
		if errors.Is(err, errLost) {
			continue
		}
		if err != nil || n < before || e.N != n {
			t.Errorf("the latest is %d with %+v, %v; %d had been appended", n, e, err, before)
			return
		}
		before = w.seen()
		own := entry{fmt.Sprint(name, ".", turn), n + gap}
		for err = errKilled; err != nil && !errors.Is(err, ErrExists); {
			if err = s.Append(ctx, own.N, own); errors.Is(err, errKilled) {
				return
			} // else a lost answer: the same call tells
		}
		if err == nil {
			w.add(t, own, before)
		}
		if err = s.Trim(ctx, own.N-min(own.N, keep)); errors.Is(err, errKilled) {
			return
		}
	}
}

// TestSeriesAtEveryStep lets processes append to a series and trim it, in any
// order of their requests; any may be killed before or after one, or not hear
// how it went.
func TestSeriesAtEveryStep(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, err := Open(context.Background(), "mem://")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = b.Close() }()
		w := &won{by: map[uint64]string{}}
		form := Digits(4)
		var queues []chan step
		alive := rapid.IntRange(1, 5).Draw(t, "processes")
		over := make(chan int)
		for i := range alive {
			st := &stepped{Bucket: b, steps: make(chan step)}
			queues = append(queues, st.steps)
			gap := rapid.Uint64Range(1, 2).Draw(t, "gap")
			keep := rapid.Uint64Range(0, 2).Draw(t, "keep")
			go func() {
				live(context.Background(), t, Series{st, "s/", form}, w, fmt.Sprint(i), gap, keep)
				over <- i
			}()
		}
		waiting := make([]*step, len(queues))
		ended := make([]bool, len(queues))
		for alive > 0 {
			// Every process is either at a request or at its end.
			var ready []int
			for i, q := range queues {
				if waiting[i] == nil && !ended[i] {
					select {
					case st := <-q:
						waiting[i] = &st
					case who := <-over:
						ended[who] = true
						alive--
						if who != i {
							t.Fatalf("process %d ended in the turn of %d", who, i)
						}
					}
				}
				if waiting[i] != nil {
					ready = append(ready, i)
				}
			}
			if len(ready) == 0 {
				continue
			}
			i := rapid.SampledFrom(ready).Draw(t, "next")
			st := waiting[i]
			waiting[i] = nil
			switch rapid.IntRange(0, 19).Draw(t, "fate") {
			case 0:
				st.done <- errKilled
			case 1:
				_ = st.do()
				st.done <- errKilled
			case 2:
				_ = st.do()
				st.done <- errLost
			default:
				st.done <- st.do()
			}
		}
		s := b.Series("s/", form)
		latest, err := s.Latest(context.Background(), nil)
		if err != nil || latest < w.highest {
			t.Errorf("the latest is %d, %v; %d was appended", latest, err, w.highest)
		}
		if err := s.Trim(context.Background(), latest); err != nil {
			t.Error(err)
		}
		if keys, err := b.Keys(context.Background(), ""); err != nil || len(keys) > 1 {
			t.Errorf("left after all is over: %v, %v", keys, err)
		}
	})
}

// A store whose latest object is gone whenever it is read.
type fleeting struct{ seriesStore }

func (f fleeting) ReadJSON(ctx context.Context, key string, v any) error {
	_ = f.Remove(ctx, key)
	defer func() { _ = f.CreateBytes(ctx, key, []byte("1"), "") }()
	return f.seriesStore.ReadJSON(ctx, key, v)
}

func TestLatestGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, err := Open(t.Context(), "mem://")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = b.Close() }()
		s := Series{fleeting{b}, "s/", Digits(3)}
		if err := s.Append(t.Context(), 1, 1); err != nil {
			t.Fatal(err)
		}
		var v int
		if n, err := s.Latest(t.Context(), &v); err == nil {
			t.Errorf("%d %d", n, v)
		}
	})
}
