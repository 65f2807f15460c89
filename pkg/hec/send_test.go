package hec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/hec"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

func TestSendDelivers(t *testing.T) {
	for _, gzip := range []bool{false, true} {
		t.Run(fmt.Sprintf("gzip=%t", gzip), func(t *testing.T) {
			var first emulator.Event
			s, c := newPair(t, emulator.Options{OnAccept: func(ev []emulator.Event) {
				first = ev[0]
				first.Event = append([]byte(nil), first.Event...)
			}}, Options{Gzip: gzip})
			b := fill(t, c, 500, nil)
			defer b.Release()
			res, err := c.Send(context.Background(), b)
			if err != nil || res.Accepted != 500 || len(res.Rejected) != 0 {
				t.Fatalf("%+v, %v", res, err)
			}
			wantOnce(t, s, 500, nil)
			if first.Time != "1700000000.000000000" || string(first.Event) != `{"message":"event 0 "}` {
				t.Errorf("first event %+v", first)
			}
			st := c.Stats()
			if st.Requests != 1 || st.Events != 500 || st.RawBytes != int64(len(b.Bytes())) || gzip != (st.WireBytes < st.RawBytes) || st.PossibleRepeats != 0 {
				t.Errorf("%+v", st)
			}
		})
	}
}

func TestSendNothing(t *testing.T) {
	s, c := newPair(t, emulator.Options{}, Options{})
	b := fill(t, c, 0, nil)
	defer b.Release()
	b.Append(Pos{}, func(dst []byte) []byte { return dst })
	if res, err := c.Send(context.Background(), b); err != nil || res.Accepted != 0 || s.Stats().Requests != 0 {
		t.Fatalf("%+v, %v", res, err)
	}
}

// Exactly the bad events are rejected, and every other one arrives: once, where
// a refused request leaves nothing behind; whatever the server says of the
// number of the bad event, if anything.
func TestIsolatesBadEvents(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 60).Draw(t, "n")
		bad := map[int]bool{}
		for _, i := range rapid.SliceOfN(rapid.IntRange(0, n-1), 0, 6).Draw(t, "bad") {
			bad[i] = true
		}
		isBad := func(i int) bool { return bad[i] }
		code := rapid.SampledFrom([]int{5, 6, 12, 13, 15}).Draw(t, "code")
		s := emulator.New(emulator.Options{
			Tokens:            []emulator.Token{{Value: testToken}},
			OmitEventNumber:   rapid.Bool().Draw(t, "omit number"),
			EventNumberOffset: rapid.SampledFrom([]int{0, 0, 1, -1, 1000}).Draw(t, "number off by"),
			Partial:           rapid.Bool().Draw(t, "partial"),
			Refuse:            refuseMarked(code),
		})
		partial := false
		s.Set(func(o *emulator.Options) { partial = o.Partial })
		c, err := New(Options{URLs: []string{"http://a"}, Token: testToken, Retry: quick,
			HTTPClient: &http.Client{Transport: inMemory{"a": s}}})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close(context.Background()) }()
		b := fill(t, c, n, isBad)
		defer b.Release()
		res, err := c.Send(context.Background(), b)
		if err != nil {
			t.Fatal(err)
		}
		if res.Accepted+len(res.Rejected) != n || len(res.Rejected) != len(bad) {
			t.Fatalf("%d accepted, %d rejected of %d with %d bad", res.Accepted, len(res.Rejected), n, len(bad))
		}
		for k, r := range res.Rejected {
			if !bad[r.Index] || r.Code != code || r.Status != 400 || r.Pos != (Pos{7, uint64(r.Index)}) || !strings.Contains(string(r.Event), eventID(r.Index)) {
				t.Fatalf("rejected %+v", r)
			}
			if k > 0 && res.Rejected[k-1].Index >= r.Index {
				t.Fatal("rejections out of order")
			}
		}
		if !partial {
			wantOnce(t, s, n, isBad)
		}
		for i := range n {
			if got := s.Accepted(eventID(i)); (got == 0) != bad[i] {
				t.Fatalf("event %d (bad: %t) accepted %d times", i, bad[i], got)
			}
		}
		if repeats := int64(s.Repeats()); repeats > c.Stats().PossibleRepeats {
			t.Fatalf("%d repeats, at most %d expected", repeats, c.Stats().PossibleRepeats)
		}
	})
}

// A usable event number costs a few requests per bad event, not a search.
func TestEventNumberSavesRequests(t *testing.T) {
	_, c := newPair(t, emulator.Options{Refuse: refuseMarked(6)}, Options{})
	b := fill(t, c, 1000, func(i int) bool { return i == 700 })
	defer b.Release()
	if _, err := c.Send(context.Background(), b); err != nil {
		t.Fatal(err)
	}
	if n := c.Stats().Requests; n != 4 { // all, the bad one, before it, after it
		t.Errorf("%d requests, want 4", n)
	}
}

// A server that names the wrong event is not believed for long.
func TestWrongEventNumberIsNotTrusted(t *testing.T) {
	requests := 0
	c := newClient(t, Options{URLs: []string{"https://a"}, HTTPClient: &http.Client{Transport: inMemory{
		"a": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests++
			if body, _ := io.ReadAll(r.Body); strings.Contains(string(body), "REFUSE") {
				w.WriteHeader(http.StatusBadRequest)
				_, _ = io.WriteString(w, `{"text":"Invalid data format","code":6,"invalid-event-number":0}`)
			}
		}),
	}}})
	b := fill(t, c, 1000, func(i int) bool { return i == 700 })
	defer b.Release()
	res, err := c.Send(context.Background(), b)
	if err != nil || len(res.Rejected) != 1 || res.Rejected[0].Index != 700 {
		t.Fatalf("%+v, %v", res, err)
	}
	if requests > 25 { // a search takes two for each halving of a thousand
		t.Errorf("%d requests", requests)
	}
}

func TestTooLargeHalvesTheLimit(t *testing.T) {
	s, c := newPair(t, emulator.Options{MaxContentLength: 8000}, Options{BatchBytes: 40000})
	b := fill(t, c, 300, nil)
	defer b.Release()
	appendEvent(b, 300, strings.Repeat("x", 9000)) // too large by itself
	res, err := c.Send(context.Background(), b)
	if err != nil || res.Accepted != 300 || len(res.Rejected) != 1 {
		t.Fatalf("%d accepted, %d rejected, %v", res.Accepted, len(res.Rejected), err)
	}
	if r := res.Rejected[0]; r.Index != 300 || r.Status != 413 || r.Code != -1 || r.Text == "" {
		t.Errorf("rejected %+v", r)
	}
	wantOnce(t, s, 300, nil)
	if limit := c.pool.limit.Load(); limit > 8000 || limit < 4000 {
		t.Errorf("limit is now %d", limit)
	}
	next := fill(t, c, 90, nil)
	defer next.Release()
	if !next.Full() {
		t.Errorf("a batch of %d bytes is not full", len(next.Bytes()))
	}
}

func TestConfigurationStops(t *testing.T) {
	token := func(tk emulator.Token) emulator.Options { return emulator.Options{Tokens: []emulator.Token{tk}} }
	for name, tc := range map[string]struct {
		srv  emulator.Options
		opts Options
		code int
		want string
	}{
		"wrong token": {token(emulator.Token{Value: "other"}), Options{}, 4, "HEC_TOKEN"},
		"disabled":    {token(emulator.Token{Value: testToken, Disabled: true}), Options{}, 1, "enable it"},
		"index":       {emulator.Options{Refuse: refuseMarked(7)}, Options{}, 7, "HEC_INDEX"},
		"needs ack":   {token(emulator.Token{Value: testToken, UseACK: true}), Options{}, 10, "HEC_ACK=true"},
		"has no ack":  {token(emulator.Token{Value: testToken}), Options{Ack: true}, 0, "HEC_ACK=false"},
	} {
		t.Run(name, func(t *testing.T) {
			s, c := newPair(t, tc.srv, tc.opts)
			b := fill(t, c, 20, func(i int) bool { return i == 3 })
			defer b.Release()
			res, err := c.Send(context.Background(), b)
			var e *Error
			if !errors.As(err, &e) || !retry.IsPermanent(err) || e.Code != tc.code || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("%+v, %v", res, err)
			}
			if res.Accepted != 0 || res.Rejected != nil || s.Stats().Requests != 1 {
				t.Errorf("%+v after %d requests", res, s.Stats().Requests)
			}
			if strings.Contains(err.Error(), testToken) {
				t.Errorf("the token is in %q", err)
			}
		})
	}
}

// A request that is accepted and then cut off is sent again: repeats, counted.
func TestUncertainOutcomeRepeats(t *testing.T) {
	for _, kind := range []fault.Kind{fault.ResetAfter, fault.Error500, fault.Error503, fault.Error429, fault.ResetBefore} {
		t.Run(string(kind), func(t *testing.T) {
			s, c := newPair(t, emulator.Options{}, Options{})
			s.Faults.Next(kind, nil)
			b := fill(t, c, 10, nil)
			defer b.Release()
			if res, err := c.Send(context.Background(), b); err != nil || res.Accepted != 10 {
				t.Fatalf("%+v, %v", res, err)
			}
			repeats := 0
			if kind == fault.ResetAfter {
				repeats = 10
			}
			if got := s.Repeats(); got != repeats {
				t.Errorf("%d repeats, want %d", got, repeats)
			}
			st := c.Stats()
			sure := kind == fault.Error503 || kind == fault.Error429 // refused, for certain
			if st.Retries != 1 || (st.PossibleRepeats == 0) != sure || (st.Throttled == 1) != sure {
				t.Errorf("%+v", st)
			}
		})
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newPair(t, emulator.Options{Busy: true, BusyCode: 26, RetryAfter: 7 * time.Second}, Options{})
		begin := time.Now()
		time.AfterFunc(3*time.Second, func() { s.Set(func(o *emulator.Options) { o.Busy = false }) })
		b := fill(t, c, 5, nil)
		defer b.Release()
		if _, err := c.Send(context.Background(), b); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(begin); d != 7*time.Second || s.Stats().Requests != 2 {
			t.Errorf("sent again after %v, %d requests", d, s.Stats().Requests)
		}
	})
}

func TestGivesUpAndSaysWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := newPair(t, emulator.Options{Busy: true}, Options{Retry: retry.Policy{Attempts: 4, Base: time.Second}})
		b := fill(t, c, 5, nil)
		defer b.Release()
		_, err := c.Send(context.Background(), b)
		var e *Error
		if !errors.As(err, &e) || e.Code != 9 || retry.IsPermanent(err) || !strings.Contains(err.Error(), "after 4 attempts") {
			t.Errorf("%v", err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
		defer cancel()
		if _, err := c.Send(ctx, b); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "busy") {
			t.Errorf("near the deadline: %v", err)
		}
	})
}

func TestTimeoutIsTransient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newPair(t, emulator.Options{Latency: time.Minute}, Options{Timeout: 10 * time.Second})
		time.AfterFunc(15*time.Second, func() { s.Set(func(o *emulator.Options) { o.Latency = 0 }) })
		b := fill(t, c, 5, nil)
		defer b.Release()
		res, err := c.Send(context.Background(), b)
		if err != nil || res.Accepted != 5 {
			t.Fatalf("%+v, %v", res, err)
		}
		if st := c.Stats(); st.Retries != 2 || st.PossibleRepeats != 10 || s.Repeats() != 10 {
			t.Errorf("%+v", st)
		}
	})
}
