package hec

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/hec"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

func isPath(p string) func(*http.Request) bool {
	return func(r *http.Request) bool { return r.URL.Path == p }
}

func TestAcknowledgement(t *testing.T) {
	for name, tc := range map[string]struct {
		srv     emulator.Options
		during  func(*emulator.Server) // after 7 s
		took    time.Duration
		repeats int
	}{
		"at once":            {took: 5 * time.Second},
		"late":               {srv: emulator.Options{AckDelay: 23 * time.Second}, took: 25 * time.Second},
		"lost to a restart":  {srv: emulator.Options{AckDelay: 9 * time.Second}, during: (*emulator.Server).RestartAcks, took: 70 * time.Second, repeats: 100},
		"service comes back": {srv: emulator.Options{AckNever: true}, during: func(s *emulator.Server) { s.Set(func(o *emulator.Options) { o.AckNever = false }) }, took: 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, c := newPair(t, tc.srv, Options{Ack: true, Gzip: true, AckTimeout: time.Minute})
				begin := time.Now()
				if tc.during != nil {
					time.AfterFunc(7*time.Second, func() { tc.during(s) })
				}
				b := fill(t, c, 100, nil)
				defer b.Release()
				res, err := c.Send(t.Context(), b)
				if err != nil || res.Accepted != 100 {
					t.Fatalf("%+v, %v", res, err)
				}
				for i := range 100 {
					if !s.Acked(eventID(i)) {
						t.Fatalf("event %d was not acknowledged", i)
					}
				}
				if d := time.Since(begin); d != tc.took {
					t.Errorf("took %v, want %v", d, tc.took)
				}
				if got := s.Repeats(); got != tc.repeats || c.Stats().PossibleRepeats != int64(tc.repeats) {
					t.Errorf("%d repeats, %+v", got, c.Stats())
				}
			})
		})
	}
}

func TestNeverAcknowledgedEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newPair(t, emulator.Options{AckNever: true}, Options{Ack: true, AckTimeout: time.Minute, Retry: retry.Policy{Attempts: 3}})
		b := fill(t, c, 10, nil)
		defer b.Release()
		_, err := c.Send(t.Context(), b)
		if err == nil || retry.IsPermanent(err) || !strings.Contains(err.Error(), "3 times") || s.Accepted(eventID(0)) != 3 {
			t.Fatalf("%v, accepted %d times", err, s.Accepted(eventID(0)))
		}
		if _, ids := c.fleet.all[0].acks.ids(); len(ids) != 0 {
			t.Errorf("ackIds %v are still waited for", ids)
		}
	})
}

// Batches that wait are held compressed, and lose nothing by it, whatever is
// wanted of them afterwards.
func TestWaitingBatchesAreParked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newPair(t, emulator.Options{AckDelay: 12 * time.Second}, Options{Ack: true, Gzip: true, Batches: 1, Unacked: 20, AckTimeout: time.Minute})
		begin := time.Now()
		var sends sync.WaitGroup
		for k := range 20 {
			b, err := c.Batch(t.Context()) // one only holds text; the next is had once that one waits
			if err != nil {
				t.Fatal(err)
			}
			for i := range 10 {
				appendEvent(b, 10*k+i, "")
			}
			text := string(b.Bytes())
			sends.Go(func() {
				defer b.Release()
				if res, err := c.Send(t.Context(), b); err != nil || res.Accepted != 10 {
					t.Errorf("%+v, %v", res, err)
				}
				if !b.parked || b.Len() != 10 || b.Size() != len(text) || b.Pos(3).B != uint64(10*k+3) || string(b.Bytes()) != text {
					t.Error("not what was sent")
				}
			})
		}
		sends.Wait()
		wantOnce(t, s, 200, nil)
		if d := time.Since(begin); d != 15*time.Second {
			t.Errorf("took %v: the batches should be waited for together", d)
		}
		if len(c.pool.spare) != 1 || len(c.pool.out) != 0 {
			t.Errorf("%d spare, %d out", len(c.pool.spare), len(c.pool.out))
		}
	})
}

// A batch sent again after its timeout may then be refused and cut.
func TestParkedBatchIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newPair(t, emulator.Options{AckNever: true}, Options{Ack: true, Gzip: true, AckTimeout: time.Minute})
		bad := func(i int) bool { return i == 33 }
		time.AfterFunc(30*time.Second, func() {
			s.Set(func(o *emulator.Options) { o.AckNever, o.Refuse = false, refuseMarked(6) })
			s.RestartAcks()
		})
		b := fill(t, c, 100, bad)
		defer b.Release()
		res, err := c.Send(t.Context(), b)
		if err != nil || res.Accepted != 99 || len(res.Rejected) != 1 || !strings.Contains(string(res.Rejected[0].Event), eventID(33)) {
			t.Fatalf("%+v, %v", res, err)
		}
	})
}

// A poll's answer that is lost takes the true with it; the timeout mends it.
func TestLostPollAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newPair(t, emulator.Options{}, Options{Ack: true, AckTimeout: time.Minute})
		s.Faults.Next(fault.ResetAfter, isPath(pathAck))
		s.Faults.Next(fault.Truncate, isPath(pathEvent))
		b := fill(t, c, 10, nil)
		defer b.Release()
		if res, err := c.Send(t.Context(), b); err != nil || res.Accepted != 10 {
			t.Fatalf("%+v, %v", res, err)
		}
		// Once cut off before its ackId, once acknowledged in vain, once more.
		if st := c.Stats(); s.Accepted(eventID(0)) != 3 || st.PossibleRepeats != 20 {
			t.Errorf("accepted %d times, %+v", s.Accepted(eventID(0)), st)
		}
	})
}

func TestAckWithBadEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bad := func(i int) bool { return i == 0 || i == 50 || i == 99 }
		s, c := newPair(t, emulator.Options{Refuse: refuseMarked(6), OmitEventNumber: true, AckDelay: 6 * time.Second}, Options{Ack: true})
		b := fill(t, c, 100, bad)
		defer b.Release()
		begin := time.Now()
		res, err := c.Send(t.Context(), b)
		if err != nil || res.Accepted != 97 || len(res.Rejected) != 3 {
			t.Fatalf("%+v, %v", res, err)
		}
		wantOnce(t, s, 100, bad)
		if d := time.Since(begin); d != 10*time.Second {
			t.Errorf("took %v: the parts should be waited for together", d)
		}
	})
}

func TestAckConfigurationStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newPair(t, emulator.Options{AckDelay: time.Hour}, Options{Ack: true})
		time.AfterFunc(time.Second, func() { s.Set(func(o *emulator.Options) { o.Tokens[0].Disabled = true }) })
		b := fill(t, c, 10, nil)
		defer b.Release()
		begin := time.Now()
		_, err := c.Send(t.Context(), b)
		var e *Error
		if !errors.As(err, &e) || e.Code != 1 || !retry.IsPermanent(err) || time.Since(begin) != 5*time.Second {
			t.Fatalf("after %v: %v", time.Since(begin), err)
		}
	})
}

// A load balancer keeps a client with one receiver by a cookie; without it the
// polls would reach a receiver that knows nothing of the ackIds.
func TestAckKeepsSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := emulator.New(emulator.Options{Tokens: []emulator.Token{{Value: testToken, UseACK: true}}})
		strays := 0
		balancer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := r.Cookie("node"); err != nil && r.URL.Path == pathAck {
				strays++
			}
			http.SetCookie(w, &http.Cookie{Name: "node", Value: "1", Path: "/"})
			s.ServeHTTP(w, r)
		})
		c := newClient(t, Options{Ack: true, URLs: []string{"https://a"}, HTTPClient: &http.Client{Transport: inMemory{"a": balancer}}})
		b := fill(t, c, 1, nil)
		defer b.Release()
		if _, err := c.Send(t.Context(), b); err != nil || strays != 0 {
			t.Errorf("%d polls without the cookie, %v", strays, err)
		}
	})
}

func TestCloseEndsWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := newPair(t, emulator.Options{AckNever: true}, Options{Ack: true})
		time.AfterFunc(time.Second, func() {
			if err := c.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
		b := fill(t, c, 10, nil)
		defer b.Release()
		for range 2 { // the second Send begins after Close
			if _, err := c.Send(t.Context(), b); !errors.Is(err, errClosed) {
				t.Fatal(err)
			}
		}
	})
}

func TestCancelledWaitIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := newPair(t, emulator.Options{AckNever: true}, Options{Ack: true})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		b := fill(t, c, 10, nil)
		defer b.Release()
		if _, err := c.Send(ctx, b); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		if _, ids := c.fleet.all[0].acks.ids(); len(ids) != 0 {
			t.Errorf("ackIds %v are still waited for", ids)
		}
	})
}

// What was pending before a restart is never taken for what comes after it.
func TestAckerSeesRestarts(t *testing.T) {
	a := newAcker(time.Minute)
	outcome := func(ch <-chan error) string {
		select {
		case err := <-ch:
			if err == nil {
				return "true"
			}
			return err.Error()
		default:
			return "pending"
		}
	}
	want := func(what string, ch <-chan error, want string) {
		t.Helper()
		if got := outcome(ch); got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	m := a.mark()
	second, first := a.expect(m, 1), a.expect(m, 0) // answers overtake each other
	old := a.mark()
	third := a.expect(a.mark(), 2)
	a.resolve(a.mark(), map[int64]bool{0: true, 1: false, 77: true}, nil)
	want("first", first, "true")
	want("second", second, "pending")

	again := a.expect(a.mark(), 0) // numbered from 0 again, while others are waited for
	want("second", second, errAckLost.Error())
	want("third", third, errAckLost.Error())
	want("again", again, errAckLost.Error())
	want("spanning the restart", a.expect(old, 3), errAckLost.Error())
	before := a.expect(a.mark(), 0)
	a.resolve(a.mark(), map[int64]bool{0: true, 1: true}, nil)
	want("before", before, "true")
	after := a.expect(a.mark(), 0) // once more, and nobody waits
	want("after", after, "pending")
	a.resolve(a.mark(), map[int64]bool{0: true}, nil)
	want("after", after, "true")

	twice := a.mark()
	one := a.expect(twice, 5)
	two := a.expect(twice, 5) // the same number twice within one window
	want("one", one, errAckLost.Error())
	want("two", two, errAckLost.Error()) // whose of both it is now cannot be told
	if a.mark().channel == twice.channel {
		t.Error("a number that two requests have is still asked about")
	}
	late := a.expect(a.mark(), 5)
	a.resolve(twice, map[int64]bool{5: true}, nil) // asked on the channel before
	want("late", late, "pending")
}

// A load balancer that spreads a channel over receivers, each with numbers of its
// own, makes one receiver's acknowledgement look like another's. What only a receiver
// has that never indexes is not said to be indexed, and soon the reason is given.
func TestAckNumbersOfSeveralReceivers(t *testing.T) {
	for _, batches := range []int{2, 6} {
		synctest.Test(t, func(t *testing.T) {
			var nodes []*emulator.Server
			for i := range 2 {
				nodes = append(nodes, emulator.New(emulator.Options{Tokens: []emulator.Token{{Value: testToken, UseACK: true}}, AckNever: i == 1}))
			}
			var mu sync.Mutex
			turns := map[string]int{} // by path
			balancer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				n := turns[r.URL.Path]
				turns[r.URL.Path]++
				mu.Unlock()
				nodes[n%2].ServeHTTP(w, r)
			})
			c := newClient(t, Options{Ack: true, Retry: retry.Policy{Attempts: 30, Base: time.Millisecond}, URLs: []string{"https://a"}, HTTPClient: &http.Client{Transport: inMemory{"a": balancer}}})
			var sends sync.WaitGroup
			var told atomic.Bool
			for k := range batches {
				b, err := c.Batch(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				appendEvent(b, k, "")
				sends.Go(func() {
					defer b.Release()
					_, err := c.Send(t.Context(), b)
					if err == nil && !nodes[0].Acked(eventID(k)) {
						t.Errorf("%d batches: event %d is said to be indexed, and is not", batches, k)
					}
					if err != nil && retry.IsPermanent(err) && strings.Contains(err.Error(), "sticky sessions") {
						told.Store(true)
					}
				})
				synctest.Wait()
			}
			sends.Wait()
			if !told.Load() {
				t.Errorf("%d batches: nobody was told what is wrong", batches)
			}
		})
	}
}
