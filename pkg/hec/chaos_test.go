package hec

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/hec"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

func start(t *testing.T, o emulator.Options) *emulator.Server {
	s := emulator.New(o).Start()
	t.Cleanup(s.Close)
	return s
}

// Over real connections, with every fault there is on two endpoints: nothing is
// lost, exactly the bad events are rejected, and no more is repeated than the
// client says may be.
func TestChaos(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			ack := seed%2 == 1
			options := emulator.Options{
				Tokens: []emulator.Token{{Value: testToken, UseACK: ack}},
				Refuse: refuseMarked(6), OmitEventNumber: seed%3 == 0, Partial: seed%3 == 1,
				AckDelay: 5 * time.Millisecond, AlwaysOK: seed == 2,
				BusyAfter: func(events int) int {
					if rand.IntN(20) == 0 {
						return rand.IntN(events)
					}
					return events
				},
			}
			var servers []*emulator.Server
			var urls []string
			for i := range 2 {
				s := start(t, options)
				s.Faults.Delay = time.Millisecond
				s.Faults.Random(seed*10+uint64(i), map[fault.Kind]float64{
					fault.Error500: .03, fault.Error503: .03, fault.Error429: .03, fault.ResetBefore: .03,
					fault.ResetAfter: .03, fault.ResetMid: .03, fault.Truncate: .03, fault.Slow: .05,
				})
				servers, urls = append(servers, s), append(urls, s.URL())
			}
			c := newClient(t, Options{
				URLs: urls, Gzip: true, Ack: ack, AckPoll: 5 * time.Millisecond, AckTimeout: 300 * time.Millisecond,
				Retry: retry.Policy{Attempts: 50, Base: time.Millisecond, Max: 10 * time.Millisecond},
			})
			session := c.Session()
			const batches, size = 40, 50
			bad := func(i int) bool { return i%311 == 7 }
			var mu sync.Mutex
			rejected := map[int]bool{}
			var wg sync.WaitGroup
			for k := range batches {
				wg.Go(func() {
					if k == batches/2 && seed >= 4 { // a proxy comes between
						servers[0].Set(func(o *emulator.Options) { o.Gzip = emulator.LosesEncoding })
					}
					b, err := c.Batch(t.Context())
					if err != nil {
						t.Error(err)
						return
					}
					defer b.Release()
					for i := k * size; i < (k+1)*size; i++ {
						appendEvent(b, i, map[bool]string{true: "REFUSE"}[bad(i)])
					}
					res, err := session.Send(t.Context(), b)
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					defer mu.Unlock()
					for _, r := range res.Rejected {
						rejected[int(r.Pos.B)] = true
					}
				})
			}
			wg.Wait()
			repeats := int64(0)
			for i := range batches * size {
				n := servers[0].Accepted(eventID(i)) + servers[1].Accepted(eventID(i))
				if bad(i) != rejected[i] || bad(i) == (n > 0) {
					t.Errorf("event %d: bad %t, rejected %t, accepted %d times", i, bad(i), rejected[i], n)
				}
				if ack && !bad(i) && !servers[0].Acked(eventID(i)) && !servers[1].Acked(eventID(i)) {
					t.Errorf("event %d was not acknowledged", i)
				}
				repeats += max(0, int64(n)-1)
			}
			if st := c.Stats(); repeats > st.PossibleRepeats || st.Retries == 0 {
				t.Errorf("%d repeats; %+v", repeats, st)
			}
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// net/http may go on reading a body after the answer has come. The buffer must
// not be used again before that has ended.
func TestBufferIsNotReusedWhileRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := make(chan string, 1)
		c := newClient(t, Options{URLs: []string{"https://a"}, HTTPClient: &http.Client{
			Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				go func() {
					time.Sleep(time.Minute)
					body, _ := io.ReadAll(r.Body)
					late <- string(body)
					_ = r.Body.Close()
				}()
				return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
			}),
		}})
		b := fill(t, c, 2, nil)
		defer b.Release()
		want := string(b.Bytes())
		if _, err := c.Send(t.Context(), b); err != nil {
			t.Error(err)
		}
		b.Reset()
		appendEvent(b, 9, "the next batch")
		if got := <-late; got != want {
			t.Errorf("the request carried %q", got)
		}
	})
}

func TestTransportErrorsThatAreConfiguration(t *testing.T) {
	s := start(t, emulator.Options{Tokens: []emulator.Token{{Value: testToken}}})
	c := newClient(t, Options{URLs: []string{strings.Replace(s.URL(), "http:", "https:", 1)}})
	b := fill(t, c, 1, nil)
	defer b.Release()
	if _, err := c.Send(t.Context(), b); !retry.IsPermanent(err) || !strings.Contains(err.Error(), "http://") {
		t.Errorf("TLS to a plain port: %v", err)
	}
	tls := newTLS(t)
	c = newClient(t, Options{URLs: []string{tls}})
	if _, err := c.Send(t.Context(), b); !retry.IsPermanent(err) || !strings.Contains(err.Error(), "HEC_CA_FILE") {
		t.Errorf("unknown authority: %v", err)
	}
}

// Of a redirect that would have the body sent again net/http opens the body before
// it asks whether to follow.
func TestRedirectThatKeepsTheBody(t *testing.T) {
	for _, status := range []int{http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		for _, to := range []string{"https://other.example/services/collector/event", "/en-US/account/login"} {
			srv := httptest.NewServer(http.RedirectHandler(to, status))
			t.Cleanup(srv.Close)
			c := newClient(t, Options{URLs: []string{srv.URL}})
			b := fill(t, c, 3, nil)
			defer b.Release()
			sent := make(chan error, 1)
			go func() {
				_, err := c.Send(t.Context(), b)
				sent <- err
			}()
			select {
			case err := <-sent:
				if !retry.IsPermanent(err) || !strings.Contains(err.Error(), "it redirects") {
					t.Errorf("%d to %s: %v", status, to, err)
				}
			case <-time.After(time.Minute):
				t.Fatalf("%d to %s: it waits for ever", status, to)
			}
		}
	}
}

// A redirect must neither take the token elsewhere nor turn into a GET that
// looks like success.
func TestRedirectIsNotFollowed(t *testing.T) {
	followed := false
	other := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed = true })
	c := newClient(t, Options{URLs: []string{"https://a"}, HTTPClient: &http.Client{Transport: inMemory{
		"a": http.RedirectHandler("https://b/login", http.StatusFound), "b": other,
	}}})
	b := fill(t, c, 1, nil)
	defer b.Release()
	if _, err := c.Send(t.Context(), b); !retry.IsPermanent(err) || followed {
		t.Errorf("followed: %t, %v", followed, err)
	}
}
