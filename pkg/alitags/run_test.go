package alitags_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siemfeed/siemfeed/pkg/alitags"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/alibaba"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/watch"
)

// TestARunSeesItsCalls: what an API answers badly is noted under the variable
// that leads there, each call that is made again is counted, and nothing that was
// signed with is quoted.
func TestARunSeesItsCalls(t *testing.T) {
	for typ, variable := range map[string]string{"ACS::ECS::Disk": "ECS_ENDPOINT", "ACS::SLB::LoadBalancer": "SLB_ENDPOINT", "ACS::RDS::DBInstance": "TAG_ENDPOINT"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, emulator.Options{})
			w.member.Trouble("", emulator.Trouble{Code: "ServiceUnavailable"})
			w.member.Trouble("STS", emulator.Trouble{Delay: 1})
			seen, ctx := watch.New(t.Context())
			var again atomic.Int64
			ctx = retry.Counted(ctx, func() { again.Add(1) })
			r := alitags.Resource{Account: member, Region: region, Type: typ, ID: "x"}
			if a, err := w.Get(ctx, r, alitags.Event{}); err != nil || a.Status != alitags.Failed {
				t.Fatal(a, err)
			}
			failing := seen.Failing(5 * time.Second)
			if len(failing) != 1 || failing[0].Name != variable || !strings.Contains(failing[0].Said, "ServiceUnavailable") {
				t.Errorf("%v", failing)
			}
			if calls := w.Stats().Calls; again.Load() != calls-1 {
				t.Errorf("%d calls, %d of them again", calls, again.Load())
			}
		})
	}
}

// TestNoSecretIsTold by errors of servers that repeat what they were sent.
func TestNoSecretIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, emulator.Options{}, func(o *alitags.Options) { o.Key.AccessKeySecret = "s3cret-of-the-key" })
		var token string
		w.wire.handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Content-Type", "application/json")
			if r.Header.Get("x-acs-action") == "AssumeRole" {
				token = "a-token-nobody-should-see"
				_, _ = fmt.Fprintf(rw, `{"Credentials":{"AccessKeyId":"STS.x","AccessKeySecret":"s3cret-of-the-session","SecurityToken":%q,"Expiration":"2100-01-01T00:00:00Z"}}`, token)
				return
			}
			rw.WriteHeader(http.StatusInternalServerError)
			_, _ = fmt.Fprintf(rw, `{"Code":"SignatureDoesNotMatch","Message":"to sign: %s s3cret-of-the-key s3cret-of-the-session %s"}`, r.Header.Get("x-acs-security-token"), r.Header.Get("Authorization"))
		})
		seen, ctx := watch.New(t.Context())
		for _, account := range []string{management, member} {
			_, err := w.Get(ctx, instance(account, 1), alitags.Event{})
			said := fmt.Sprint(err, w.Check(ctx, account, region), seen.Failing(0))
			last, _ := seen.Last()
			if said += last.String(); strings.Contains(said, "nobody-should-see") {
				t.Errorf("%s: %s", account, said)
			}
		}
		if err := w.Check(ctx, member, region); err == nil || strings.Contains(err.Error(), "s3cret-of-the-session") || !strings.Contains(err.Error(), "[redacted]") {
			t.Errorf("%v", err)
		}
		if token == "" {
			t.Error("no session was opened")
		}
	})
}

// TestRetryAfter leaves a throttled account alone for as long as it asks.
func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, emulator.Options{})
		create(w.management, 200)
		w.management.Trouble("", emulator.Trouble{Code: "Throttling.User", RetryAfter: 7 * time.Second, Until: time.Now().Add(time.Second)})
		began := time.Now()
		var calls []time.Duration
		var mu sync.Mutex
		w.wire.cut = func(*http.Request) error {
			mu.Lock()
			defer mu.Unlock()
			calls = append(calls, time.Since(began))
			return nil
		}
		var rs []alitags.Resource
		for i := range 200 {
			rs = append(rs, instance(management, i))
		}
		for _, g := range all(t.Context(), w.Client, rs, alitags.Event{}) {
			if g.err != nil || g.Status != alitags.Found || g.after < 7*time.Second {
				t.Fatalf("%+v", g)
			}
		}
		for _, at := range calls[1:] {
			if at < 7*time.Second {
				t.Errorf("called after %v", at)
			}
		}
	})
}

// TestOneFlightAnID: who comes while an id is asked about waits for the same
// answer, in whatever run.
func TestOneFlightAnID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, emulator.Options{Latency: time.Second})
		create(w.management, 1)
		done := make(chan alitags.Answer)
		for range 100 {
			w.Lookup(context.Background(), instance(management, 0), alitags.Event{}, func(a alitags.Answer, _ error) { done <- a })
			time.Sleep(5 * time.Millisecond)
		}
		for range 100 {
			want(t, <-done, alitags.Found, map[string]string{"n": "0"})
		}
		if n := w.ids("ECS", management); n != 1 {
			t.Errorf("%d flights", n)
		}
	})
}
