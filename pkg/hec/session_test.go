package hec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/hec"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

// sendAll sends batches of size events each through one session, at once, and
// returns how many were accepted, what was rejected, and the last error.
func sendAll(t *testing.T, c *Client, s *Session, batches, size int, bad func(int) bool) (accepted int, rejected []Rejection, last error) {
	t.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for k := range batches {
		wg.Go(func() {
			b, err := c.Batch(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			defer b.Release()
			for i := k * size; i < (k+1)*size; i++ {
				appendEvent(b, i, map[bool]string{true: "REFUSE"}[bad != nil && bad(i)])
			}
			res, err := s.Send(t.Context(), b)
			mu.Lock()
			defer mu.Unlock()
			accepted += res.Accepted
			for _, r := range res.Rejected {
				r.Event = nil // not valid for as long as the result is
				rejected = append(rejected, r)
			}
			if err != nil {
				last = err
			}
		})
	}
	wg.Wait()
	return accepted, rejected, last
}

// A receiver that refuses everything fails the run as misconfigured: nothing is
// rejected, and it hears of that from few requests, however many events wait.
func TestReceiverThatRefusesEverything(t *testing.T) {
	page := func(status int) emulator.Options {
		return emulator.Options{Firewall: func([]byte) int { return status }}
	}
	code := func(code int) emulator.Options {
		return emulator.Options{Refuse: func(emulator.Event) int { return code }}
	}
	unnumbered := code(6)
	unnumbered.OmitEventNumber = true
	misled := code(6)
	misled.EventNumberOffset = 3
	wrapped := code(6)
	wrapped.AlwaysOK = true
	for name, srv := range map[string]emulator.Options{
		"code 6": code(6), "code 6 without a number": unnumbered, "code 6 and wrong numbers": misled, "code 6 with status 200": wrapped,
		"code 12": code(12), "400 page": page(400), "403 page": page(403), "406 page": page(406),
		"413 page": page(413), "415 page": page(415), "422 page": page(422), "an unknown code": code(99),
	} {
		for _, gzip := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, gzip=%t", name, gzip), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { refusesEverything(t, srv, gzip) })
			})
		}
	}
}

func refusesEverything(t *testing.T, srv emulator.Options, gzip bool) {
	srv.Tokens = []emulator.Token{{Value: testToken}}
	s := emulator.New(srv)
	slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(10 * time.Millisecond) // so that many are under way
		s.ServeHTTP(w, r)
	})
	c := newClient(t, Options{
		URLs: []string{"https://a"}, Gzip: gzip, Concurrency: 8, Batches: 64,
		HTTPClient: &http.Client{Transport: inMemory{"a": slow}},
	})
	session := c.Session()
	accepted, rejected, err := sendAll(t, c, session, 64, 200, nil)
	var e *Error
	if !errors.As(err, &e) || !retry.IsPermanent(err) || e.Refused == 0 || e.Fix == "" {
		t.Errorf("%v", err)
	}
	if accepted != 0 || len(rejected) != 0 {
		t.Errorf("%d accepted, %d rejected", accepted, len(rejected))
	}
	// Eight at once before the first is heard of; then ten events, each after at
	// most two requests that carried more.
	if n := s.Stats().Requests; n > 8+10*3 {
		t.Errorf("%d requests", n)
	}
	before := s.Stats().Requests
	if _, _, err := sendAll(t, c, session, 1, 1, nil); err == nil || s.Stats().Requests != before {
		t.Errorf("the run goes on: %v", err)
	}
}

// What means the configuration is sent once, packed or not, and never cut.
func TestConfigurationIsNotSentAgain(t *testing.T) {
	for _, code := range []int{1, 2, 3, 4, 7, 10, 11, 14, 16, 21, 22, 28} {
		for _, status := range []int{200, 400, 401, 403} {
			requests := 0
			c := newClient(t, Options{Gzip: true, URLs: []string{"https://a"}, HTTPClient: &http.Client{Transport: inMemory{
				"a": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					requests++
					w.WriteHeader(status)
					_, _ = fmt.Fprintf(w, `{"text":"x","code":%d,"invalid-event-number":3}`, code)
				}),
			}}})
			b := fill(t, c, 100, nil)
			if _, err := c.Send(t.Context(), b); !retry.IsPermanent(err) || requests != 1 {
				t.Errorf("code %d with status %d: %d requests, %v", code, status, requests, err)
			}
			b.Release()
		}
	}
	for _, status := range []int{302, 401, 404, 405} {
		requests := 0
		c := newClient(t, Options{Gzip: true, URLs: []string{"https://a"}, HTTPClient: &http.Client{Transport: inMemory{
			"a": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				requests++
				w.WriteHeader(status)
			}),
		}}})
		b := fill(t, c, 100, nil)
		if _, err := c.Send(t.Context(), b); !retry.IsPermanent(err) || requests != 1 {
			t.Errorf("status %d: %d requests, %v", status, requests, err)
		}
		b.Release()
	}
}

// A receiver that takes no packed bodies gets plain ones from the first batch
// on, and the session says so; also where some events are bad.
func TestReceiverThatTakesNoGzip(t *testing.T) {
	for name, gzip := range map[string]emulator.Gzip{"415": emulator.RefusesGzip, "header lost": emulator.LosesEncoding} {
		for _, ack := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, ack=%t", name, ack), func(t *testing.T) {
				s, c := newPair(t, emulator.Options{Gzip: gzip, Refuse: refuseMarked(6)}, Options{Gzip: true, Ack: ack, AckPoll: time.Millisecond})
				session := c.Session()
				bad := func(i int) bool { return i == 150 || i == 320 }
				var accepted int
				var rejected []Rejection
				for k := range 5 {
					b := fill(t, c, 0, nil)
					for i := k * 100; i < (k+1)*100; i++ {
						appendEvent(b, i, map[bool]string{true: "REFUSE"}[bad(i)])
					}
					res, err := session.Send(t.Context(), b)
					if err != nil {
						t.Fatal(err)
					}
					accepted += res.Accepted
					rejected = append(rejected, res.Rejected...)
					b.Release()
				}
				wantOnce(t, s, 500, bad)
				if accepted != 498 || len(rejected) != 2 {
					t.Errorf("%d accepted, %d rejected", accepted, len(rejected))
				}
				if got := session.Unpacked(); len(got) != 1 || got[0] != "https://a:8088" {
					t.Errorf("unpacked: %v", got)
				}
				if n := c.Stats().Requests; n > 20 {
					t.Errorf("%d requests", n)
				}
				if got := c.Session().Unpacked(); got != nil { // the next run finds out anew
					t.Errorf("unpacked: %v", got)
				}
			})
		}
	}
}

// A receiver may stop to take gzip in the middle of a run.
func TestReceiverThatStopsTakingGzip(t *testing.T) {
	s, c := newPair(t, emulator.Options{}, Options{Gzip: true})
	session := c.Session()
	for k := range 20 {
		if k == 10 {
			if session.Unpacked() != nil {
				t.Error("unpacked from the beginning")
			}
			s.Set(func(o *emulator.Options) { o.Gzip = emulator.LosesEncoding })
		}
		b := fill(t, c, 0, nil)
		for i := k * 50; i < (k+1)*50; i++ {
			appendEvent(b, i, "")
		}
		if res, err := session.Send(t.Context(), b); err != nil || res.Accepted != 50 {
			t.Fatalf("%+v, %v", res, err)
		}
		b.Release()
	}
	wantOnce(t, s, 1000, nil)
	if n := c.Stats().Requests; len(session.Unpacked()) != 1 || n > 24 {
		t.Errorf("%d requests, unpacked %v", n, session.Unpacked())
	}
}

// faulty packs every body wrongly.
type faulty struct{ packer }

func (f faulty) Finish(body []byte) []byte {
	out := f.packer.Finish(body)
	out[len(out)/2] ^= 0x10
	return out
}

// A fault of the packing is not taken for one of the events.
func TestFaultyPackingRejectsNothing(t *testing.T) {
	s, c := newPair(t, emulator.Options{Refuse: refuseMarked(6)}, Options{Gzip: true})
	c.pool.packers.New = func() any { return faulty{newPacker()} }
	session := c.Session()
	bad := func(i int) bool { return i == 3 }
	b := fill(t, c, 200, bad)
	defer b.Release()
	for range 2 { // the first finds one bad event as well
		res, err := session.Send(t.Context(), b)
		if err != nil || res.Accepted != 199 || len(res.Rejected) != 1 || res.Rejected[0].Index != 3 {
			t.Fatalf("%+v, %v", res, err)
		}
	}
	for i := range 200 {
		if (s.Accepted(eventID(i)) > 0) == bad(i) {
			t.Errorf("event %d accepted %d times", i, s.Accepted(eventID(i)))
		}
	}
}

// A batch whose beginning is bad, however long that is, finds one that is not.
func TestBadBeginningIsNotAllThereIs(t *testing.T) {
	bad := func(i int) bool { return i < 60 }
	for range 40 { // which events are tried is left to chance
		s, c := newPair(t, emulator.Options{Refuse: refuseMarked(6), OmitEventNumber: true}, Options{})
		accepted, rejected, err := sendAll(t, c, c.Session(), 1, 250, bad)
		if err != nil || accepted != 190 || len(rejected) != 60 {
			t.Fatalf("%d accepted, %d rejected: %v", accepted, len(rejected), err)
		}
		wantOnce(t, s, 250, bad)
	}
}

// A firewall that answers some bodies with a page has just those events rejected,
// with its status.
func TestFirewallThatRefusesSomeBodies(t *testing.T) {
	for _, status := range []int{400, 403, 413} {
		for _, gzip := range []bool{true, false} {
			t.Run(fmt.Sprintf("%d, gzip=%t", status, gzip), func(t *testing.T) {
				s, c := newPair(t, emulator.Options{Firewall: func(body []byte) int {
					if strings.Contains(string(body), "REFUSE") {
						return status
					}
					return 0
				}}, Options{Gzip: gzip})
				bad := func(i int) bool { return i%97 == 5 || i < 20 } // a whole beginning among them
				accepted, rejected, err := sendAll(t, c, c.Session(), 4, 250, bad)
				if err != nil {
					t.Fatal(err)
				}
				wantOnce(t, s, 1000, bad)
				for _, r := range rejected {
					if !bad(int(r.Pos.B)) || r.Status != status || r.Code != -1 || r.Text == "" {
						t.Errorf("%+v", r)
					}
				}
				if accepted+len(rejected) != 1000 {
					t.Errorf("%d accepted, %d rejected", accepted, len(rejected))
				}
			})
		}
	}
}

// Where there are fewer than ten events in all, Splunk's own codes are believed,
// and nobody else's: after waiting for another batch to show more.
func TestQuietSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refuse := func(code int) emulator.Options {
			return emulator.Options{Refuse: refuseMarked(code)}
		}
		page := emulator.Options{Firewall: func([]byte) int { return 403 }}
		for _, tc := range []struct {
			name     string
			srv      emulator.Options
			events   int
			rejected int
		}{
			{"one bad event", refuse(6), 1, 1}, {"nine", refuse(15), 9, 9}, {"ten", refuse(6), 10, 0},
			{"an unknown code", refuse(99), 1, 0}, {"a page", page, 1, 0},
		} {
			_, c := newPair(t, tc.srv, Options{Retry: retry.Policy{Attempts: 3, Base: time.Second}})
			b := fill(t, c, tc.events, func(int) bool { return true })
			began := time.Now()
			res, err := c.Session().Send(t.Context(), b)
			if len(res.Rejected) != tc.rejected || retry.IsPermanent(err) != (tc.rejected == 0) {
				t.Errorf("%s: %d rejected, %v", tc.name, len(res.Rejected), err)
			}
			if d := time.Since(began); d > 10*time.Second {
				t.Errorf("%s: decided after %v", tc.name, d)
			}
			b.Release()
		}
	})
}

// One batch of bad events waits for another to show that the receiver takes
// some, or that it takes none.
func TestOneMoreBatchIsTried(t *testing.T) {
	for _, takes := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			_, c := newPair(t, emulator.Options{Refuse: func(e emulator.Event) int {
				if takes {
					return refuseMarked(6)(e)
				}
				return 6
			}}, Options{Retry: retry.Policy{Attempts: 3, Base: time.Second}})
			session := c.Session()
			var wg sync.WaitGroup
			wg.Go(func() {
				b := fill(t, c, 3, func(int) bool { return true })
				defer b.Release()
				res, err := session.Send(t.Context(), b)
				if (len(res.Rejected) == 3) != takes || retry.IsPermanent(err) == takes {
					t.Errorf("takes %t: %d rejected, %v", takes, len(res.Rejected), err)
				}
			})
			time.Sleep(time.Second)
			b := fill(t, c, 20, nil)
			defer b.Release()
			if res, err := session.Send(t.Context(), b); (res.Accepted == 20) != takes || retry.IsPermanent(err) == takes {
				t.Errorf("takes %t: %+v, %v", takes, res, err)
			}
			wg.Wait()
		})
	}
}

// A receiver that took events when the run began, and then nothing any more, is
// found out before a source is emptied; at once where something before it refuses
// requests without events too.
func TestReceiverThatBeginsToRefuseEverything(t *testing.T) {
	for name, tc := range map[string]struct {
		refuse   func(*emulator.Options)
		rejected int // at most
	}{
		"code 6": {func(o *emulator.Options) { o.Refuse = func(emulator.Event) int { return 6 } }, endless - 1},
		"a page": {func(o *emulator.Options) { o.Firewall = func([]byte) int { return 403 } }, 0},
		"a page for events": {func(o *emulator.Options) {
			o.Firewall = func(body []byte) int {
				if len(body) == 0 {
					return 0
				}
				return 403
			}
		}, endless - 1},
	} {
		t.Run(name, func(t *testing.T) {
			s, c := newPair(t, emulator.Options{}, Options{})
			session := c.Session()
			var rejected int
			var err error
			for k := range 20 {
				if k == 2 {
					s.Set(tc.refuse)
				}
				var list []Rejection
				if _, list, err = sendAll(t, c, session, 1, 300, nil); err != nil {
					break
				}
				rejected += len(list)
			}
			var e *Error
			if !errors.As(err, &e) || (e.Refused == 0) != (tc.rejected == 0) || retry.IsPermanent(err) != (tc.rejected > 0) || rejected > tc.rejected {
				t.Errorf("%d events rejected, then %v", rejected, err)
			}
		})
	}
}

// Of two receivers one refuses everything: no event is rejected for that.
func TestOneOfTwoRefusesEverything(t *testing.T) {
	tokens := []emulator.Token{{Value: testToken}}
	good, wall := emulator.New(emulator.Options{Tokens: tokens}), emulator.New(emulator.Options{Tokens: tokens, Firewall: func([]byte) int { return 403 }})
	c := newClient(t, Options{Gzip: true, URLs: []string{"https://good", "https://wall"}, HTTPClient: &http.Client{Transport: inMemory{"good": good, "wall": wall}}})
	session := c.Session()
	_, rejected, err := sendAll(t, c, session, 8, 100, nil)
	var e *Error
	if !errors.As(err, &e) || e.Endpoint != "https://wall" || len(rejected) != 0 {
		t.Errorf("%d rejected, %v", len(rejected), err)
	}
	if n := wall.Stats().Requests; n > 40 {
		t.Errorf("%d requests", n)
	}
	b := fill(t, c, 1, nil) // too few to tell: the other one is asked too
	defer b.Release()
	session = c.Session()
	for range 4 {
		if res, err := session.Send(t.Context(), b); err != nil || res.Accepted != 1 {
			t.Errorf("%+v, %v", res, err)
		}
	}
}

// A Send that is cancelled gives its turn back.
func TestCancelledTrialPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		block := true
		c := newClient(t, Options{URLs: []string{"https://a"}, HTTPClient: &http.Client{Transport: inMemory{
			"a": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				mu.Lock()
				wait := block && strings.Count(string(body), "\n") == 1
				mu.Unlock()
				if wait {
					<-r.Context().Done()
				}
				if strings.Contains(string(body), "REFUSE") {
					w.WriteHeader(http.StatusForbidden)
				}
			}),
		}}})
		session := c.Session()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, func() {
			mu.Lock()
			block = false
			mu.Unlock()
			cancel()
		})
		first, second := fill(t, c, 20, func(i int) bool { return i == 3 }), fill(t, c, 20, nil)
		defer first.Release()
		defer second.Release()
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := session.Send(ctx, first); !errors.Is(err, context.Canceled) {
				t.Errorf("%v", err)
			}
		})
		synctest.Wait()
		if res, err := session.Send(t.Context(), second); err != nil || res.Accepted != 20 {
			t.Errorf("%+v, %v", res, err)
		}
		wg.Wait()
	})
}

// Events that HEC took before it was busy are counted when they are sent again:
// these and no others.
func TestPartlyTakenBatch(t *testing.T) {
	for _, fit := range []int{0, 1, 10, 19} {
		first := true
		s, c := newPair(t, emulator.Options{BusyAfter: func(n int) int {
			if first {
				first = false
				return fit
			}
			return n
		}}, Options{Gzip: true})
		b := fill(t, c, 20, nil)
		if res, err := c.Send(t.Context(), b); err != nil || res.Accepted != 20 {
			t.Fatalf("%+v, %v", res, err)
		}
		if n := c.Stats().PossibleRepeats; s.Repeats() != fit || n != int64(fit) {
			t.Errorf("%d taken before: %d repeats, %d counted", fit, s.Repeats(), n)
		}
		b.Release()
	}
}

// A 2xx that bears the code of an error is that error.
func TestSuccessWithAnErrorsCode(t *testing.T) {
	s, c := newPair(t, emulator.Options{AlwaysOK: true, Refuse: refuseMarked(6)}, Options{})
	bad := func(i int) bool { return i == 30 }
	b := fill(t, c, 50, bad)
	defer b.Release()
	if res, err := c.Send(t.Context(), b); err != nil || res.Accepted != 49 || len(res.Rejected) != 1 || res.Rejected[0].Code != 6 {
		t.Errorf("%+v, %v", res, err)
	}
	wantOnce(t, s, 50, bad)
	s.Set(func(o *emulator.Options) { o.Busy = true })
	if _, err := c.Send(t.Context(), b); err == nil || retry.IsPermanent(err) || !strings.Contains(err.Error(), "code 9") {
		t.Errorf("%v", err)
	}
}

// One that runs for ever says that it was told to wait for a day, and asks again
// when its caller begins anew.
func TestLongPauseWithoutADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newPair(t, emulator.Options{Busy: true, RetryAfter: 24 * time.Hour}, Options{})
		b := fill(t, c, 5, nil)
		defer b.Release()
		began := time.Now()
		if _, err := c.Session().Send(t.Context(), b); err == nil || retry.IsPermanent(err) || !strings.Contains(err.Error(), "24h") || time.Since(began) > retry.Longest {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		s.Set(func(o *emulator.Options) { o.Busy = false })
		if _, err := c.Session().Send(t.Context(), b); err != nil || time.Since(began) > retry.Longest {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}
