package cfqueue_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/siemfeed/siemfeed/pkg/cfqueue"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/cfqueue"
	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
	"github.com/siemfeed/siemfeed/pkg/emulator/inprocess"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func client(t *testing.T, h http.Handler, account, queue, token string) *cfqueue.Client {
	t.Helper()
	c, err := cfqueue.New(account, queue, token, cfqueue.Options{HTTPClient: &http.Client{Transport: inprocess.Transport{Handler: h}}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func push(t *testing.T, q *emulator.Queue, n int) {
	t.Helper()
	for i := range n {
		if _, err := q.Push(fmt.Appendf(nil, `{"n":%d}`, i), emulator.JSON, 0); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPullAndSettle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := emulator.New(emulator.Options{})
		q := s.AddQueue("q", emulator.QueueOptions{})
		c := client(t, s, "account", "q", "token")
		push(t, q, 250)
		var acks []string
		var returns []cfqueue.Return
		for len(acks)+len(returns) < 250 {
			messages, backlog, err := c.Pull(t.Context(), 100, time.Hour)
			if err != nil || backlog != 250 || len(messages) == 0 {
				t.Fatalf("%d messages, backlog %d, %v", len(messages), backlog, err)
			}
			for _, m := range messages {
				n := len(acks) + len(returns)
				if string(m.Body) != fmt.Sprintf(`{"n":%d}`, n) || m.Err != nil || m.Attempts != 1 || !m.Time.Equal(time.Now()) {
					t.Fatalf("message %d: %+v", n, m)
				}
				if n < 130 {
					acks = append(acks, m.LeaseID)
				} else {
					returns = append(returns, cfqueue.Return{LeaseID: m.LeaseID, Delay: 1500 * time.Millisecond})
				}
			}
		}
		acked, returned, err := c.Settle(t.Context(), acks, returns)
		if acked != 130 || returned != 120 || err != nil {
			t.Fatalf("%d acked, %d returned, %v", acked, returned, err)
		}
		time.Sleep(1999 * time.Millisecond) // 1.5 s is rounded up
		if messages, _, err := c.Pull(t.Context(), 1, time.Hour); len(messages) != 0 || err != nil {
			t.Fatalf("delivered before its delay: %v, %v", messages, err)
		}
		time.Sleep(time.Millisecond)
		messages, backlog, err := c.Pull(t.Context(), 1, time.Hour)
		if err != nil || backlog != 120 || len(messages) != 1 || messages[0].Attempts != 2 {
			t.Fatalf("%+v, backlog %d, %v", messages, backlog, err)
		}
		if acked, returned, err := c.Settle(t.Context(), nil, nil); acked+returned != 0 || err != nil {
			t.Error("settling nothing:", err)
		}
	})
}

func TestContentTypes(t *testing.T) {
	s := emulator.New(emulator.Options{})
	q := s.AddQueue("q", emulator.QueueOptions{})
	for _, kind := range []string{emulator.JSON, emulator.Text, emulator.Bytes, emulator.V8} {
		if _, err := q.Push([]byte(`{"kind":"ä"}`), kind, 0); err != nil {
			t.Fatal(err)
		}
	}
	messages, _, err := client(t, s, "account", "q", "token").Pull(t.Context(), 10, time.Minute)
	if err != nil || len(messages) != 4 {
		t.Fatal(messages, err)
	}
	for _, m := range messages {
		if m.ContentType == emulator.V8 {
			if m.Err == nil || !retry.IsPermanent(m.Err) || !strings.Contains(m.Err.Error(), "v8") || m.LeaseID == "" {
				t.Errorf("%+v: want a permanent error under a lease", m)
			}
		} else if string(m.Body) != `{"kind":"ä"}` || m.Err != nil {
			t.Errorf("%+v", m)
		}
	}
}

func TestSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := emulator.New(emulator.Options{})
		s.AddQueue("q", emulator.QueueOptions{})
		c := client(t, s, "account", "q", "token")
		for _, body := range []string{`{"big":12345678901234567890}`, "plain ä"} {
			if err := c.Send(t.Context(), []byte(body), time.Minute); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			messages, _, err := c.Pull(t.Context(), 1, time.Hour)
			if err != nil || len(messages) != 1 || string(messages[0].Body) != body {
				t.Errorf("%s: %+v, %v", body, messages, err)
			}
		}
		for _, body := range []string{"\xff", strings.Repeat("x", 128<<10+1)} {
			if err := c.Send(t.Context(), []byte(body), 0); !retry.IsPermanent(err) {
				t.Errorf("%.10q: %v, want a permanent error", body, err)
			}
		}
	})
}

func TestRefusalsSayWhatToFix(t *testing.T) {
	s := emulator.New(emulator.Options{Token: "t0ken-s3cret", ReadToken: "r3ader-s3cret"})
	s.AddQueue("q", emulator.QueueOptions{})
	for name, tc := range map[string]struct {
		account, queue, token string
		status                int
		message               string
	}{
		"wrong token":   {"account", "q", "wr0ng-s3cret", 401, "CF_API_TOKEN"},
		"may only read": {"account", "q", "r3ader-s3cret", 403, "Queues Read and Queues Write"},
		"no such queue": {"account", "x", "t0ken-s3cret", 404, "CF_QUEUE_ID"},
		"other account": {"other", "q", "t0ken-s3cret", 404, "CF_ACCOUNT_ID"},
	} {
		_, _, err := client(t, s, tc.account, tc.queue, tc.token).Pull(t.Context(), 1, time.Minute)
		var refused *cfqueue.Error
		if !errors.As(err, &refused) || !retry.IsPermanent(err) || refused.Status != tc.status {
			t.Errorf("%s: %v, want a permanent refusal", name, err)
		} else if !strings.Contains(err.Error(), tc.message) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTokenIsNeverShown(t *testing.T) {
	const token = "s3cret"
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, `{"success":false,"errors":[{"code":1,"message":"bad header `+r.Header.Get("Authorization")+`"}]}`, http.StatusBadRequest)
	})
	c := client(t, echo, "a", "q", token)
	_, _, err := c.Pull(t.Context(), 1, time.Minute)
	for _, shown := range []string{err.Error(), fmt.Sprintf("%+v %#v %v", c, c, *c)} {
		if strings.Contains(shown, token) {
			t.Error(shown)
		}
	}
}

func TestRefusesWrongArguments(t *testing.T) {
	c := client(t, http.NotFoundHandler(), "a", "q", "t")
	for _, tc := range []struct {
		batch      int
		visibility time.Duration
	}{{0, time.Minute}, {101, time.Minute}, {1, 0}, {1, 12*time.Hour + 1}} {
		if _, _, err := c.Pull(t.Context(), tc.batch, tc.visibility); !retry.IsPermanent(err) || !strings.Contains(err.Error(), "is not between") {
			t.Errorf("%+v: %v", tc, err)
		}
	}
	for _, missing := range [][3]string{{"", "q", "t"}, {"a", "", "t"}, {"a", "q", ""}} {
		if _, err := cfqueue.New(missing[0], missing[1], missing[2], cfqueue.Options{}); !retry.IsPermanent(err) {
			t.Errorf("%q: %v", missing, err)
		}
	}
	if _, err := cfqueue.New("a", "q", "t", cfqueue.Options{BaseURL: "api.cloudflare.com"}); !retry.IsPermanent(err) {
		t.Error("a base URL without scheme:", err)
	}
}

func TestFollowsNoRedirect(t *testing.T) {
	calls := 0
	c := client(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		http.Redirect(w, r, "https://elsewhere.example/", http.StatusTemporaryRedirect)
	}), "a", "q", "t")
	if _, _, err := c.Pull(t.Context(), 1, time.Minute); !retry.IsPermanent(err) || calls != 1 {
		t.Errorf("%d calls, %v", calls, err)
	}
}

func TestWaitsAsLongAsRetryAfterSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := emulator.New(emulator.Options{})
		s.AddQueue("q", emulator.QueueOptions{})
		calls := 0
		c := client(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if calls++; calls == 1 {
				w.Header().Set("Retry-After", "90")
				http.Error(w, "slow down", http.StatusTooManyRequests) // not even JSON
				return
			}
			s.ServeHTTP(w, r)
		}), "account", "q", "token")
		start := time.Now()
		if _, _, err := c.Pull(t.Context(), 1, time.Minute); err != nil || time.Since(start) < 90*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

func TestGivesUpOnFaultsThatLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		c := client(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			calls++
			_, _ = io.WriteString(w, `{"success":`)
		}), "a", "q", "t")
		if _, _, err := c.Pull(t.Context(), 1, time.Minute); err == nil || retry.IsPermanent(err) || calls != 5 {
			t.Errorf("%d calls, %v", calls, err)
		}
	})
}

// Whatever fails, each message is in the end acknowledged or dead, and none is
// lost without having been delivered as often as the queue promises.
func TestNothingIsLostUnderFire(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			s := emulator.New(emulator.Options{})
			q := s.AddQueue("q", emulator.QueueOptions{MaxRetries: 20, DeadLetter: "dead"})
			push(t, q, 300)
			s.Faults.Delay = time.Second
			s.Faults.Random(seed, map[fault.Kind]float64{
				fault.Error500: .05, fault.Error503: .05, fault.Error429: .05,
				fault.ResetBefore: .05, fault.ResetAfter: .05, fault.Truncate: .05, fault.Slow: .05,
			})
			c := client(t, s, "account", "q", "token")
			rng := rand.New(rand.NewPCG(seed, 0))
			done := map[string]bool{}
			for q.Backlog() > 0 {
				messages, _, err := c.Pull(t.Context(), 1+rng.IntN(100), time.Minute)
				if err != nil && retry.IsPermanent(err) {
					t.Fatal(err)
				}
				if len(messages) == 0 {
					time.Sleep(time.Minute)
				}
				var acks []string
				var returns []cfqueue.Return
				for _, m := range messages {
					switch x := rng.Float64(); {
					case x < .7:
						acks = append(acks, m.LeaseID)
						done[string(m.Body)] = true
					case x < .9:
						returns = append(returns, cfqueue.Return{LeaseID: m.LeaseID, Delay: time.Duration(rng.IntN(90)) * time.Second})
					} // or forgotten, as after a kill
				}
				if _, _, err := c.Settle(t.Context(), acks, returns); err != nil && retry.IsPermanent(err) {
					t.Fatal(err)
				}
			}
			for _, body := range s.AddQueue("dead", emulator.QueueOptions{}).Bodies() {
				done[body] = true
			}
			counts := q.Counts()
			if len(done) != 300 || counts.Acked+counts.Dead != 300 || len(s.Faults.Counts()) == 0 {
				t.Errorf("seed %d: %d of 300 done, %+v", seed, len(done), counts)
			}
		})
	}
}

func TestOverTheNetwork(t *testing.T) {
	s := emulator.New(emulator.Options{})
	q := s.AddQueue("q", emulator.QueueOptions{})
	push(t, q, 10)
	defer s.Start().Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	c, err := cfqueue.New("account", "q", "token", cfqueue.Options{
		BaseURL: s.URL(), HTTPClient: &http.Client{Transport: transport},
		Retry: retry.Policy{Attempts: 5, Base: time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Faults.Next(fault.ResetMid, nil) // these messages stay leased
	s.Faults.Next(fault.Truncate, nil)
	var leases []string
	messages, backlog, err := c.Pull(t.Context(), 4, time.Hour)
	if err != nil || backlog != 10 || len(messages) != 2 {
		t.Fatalf("%d messages, backlog %d, %v", len(messages), backlog, err)
	}
	for _, m := range messages {
		leases = append(leases, m.LeaseID)
	}
	s.Faults.Next(fault.ResetAfter, nil) // counted by the first attempt, unknown to the second
	if acked, _, err := c.Settle(t.Context(), leases, nil); err != nil || acked != 0 || q.Backlog() != 8 {
		t.Errorf("%d acked, %d left, %v", acked, q.Backlog(), err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := c.Pull(ctx, 1, time.Minute); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestInfo(t *testing.T) {
	s := emulator.New(emulator.Options{})
	s.AddQueue("q", emulator.QueueOptions{MaxRetries: 7, DeadLetter: "dead", RetryDelay: time.Minute})
	c := client(t, s, "account", "q", "token")
	got, err := c.Info(t.Context())
	want := cfqueue.Info{Name: "q", Consumers: []cfqueue.Consumer{{Type: "http_pull", DeadLetter: "dead", MaxRetries: 7, RetryDelay: time.Minute}}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

func TestBacklog(t *testing.T) {
	s := emulator.New(emulator.Options{})
	q := s.AddQueue("q", emulator.QueueOptions{})
	c := client(t, s, "account", "q", "token")
	if got, err := c.Backlog(t.Context()); err != nil || got != (cfqueue.Backlog{}) {
		t.Errorf("of an empty queue: %+v, %v", got, err)
	}
	before := time.Now().Truncate(time.Millisecond)
	push(t, q, 3)
	// What is leased is not acknowledged.
	if _, _, err := c.Pull(t.Context(), 2, time.Minute); err != nil {
		t.Fatal(err)
	}
	got, err := c.Backlog(t.Context())
	if err != nil || got.Messages != 3 || got.Oldest.Before(before) || got.Oldest.After(time.Now()) || got.Oldest.Location() != time.UTC {
		t.Errorf("%+v, %v", got, err)
	}
}

// A refusal names the variable that the queue comes from.
func TestRefusalsNameTheVariable(t *testing.T) {
	s := emulator.New(emulator.Options{}).Start()
	defer s.Close()
	c, err := cfqueue.New("account", "gone", "token", cfqueue.Options{BaseURL: s.URL(), Variable: "CF_DEAD_QUEUE_ID", HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Backlog(t.Context()); err == nil || !strings.Contains(err.Error(), "check CF_DEAD_QUEUE_ID ") {
		t.Errorf("%v", err)
	}
	if _, err := cfqueue.New("account", "", "token", cfqueue.Options{Variable: "CF_DEAD_QUEUE_ID"}); err == nil || !strings.Contains(err.Error(), "CF_DEAD_QUEUE_ID is not set") {
		t.Errorf("%v", err)
	}
}
