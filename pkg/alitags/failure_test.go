package alitags_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siemfeed/siemfeed/pkg/alibaba"
	"github.com/siemfeed/siemfeed/pkg/alitags"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/alibaba"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

const budget = 10 * time.Second // the default

// troubles are those that leave a call without an answer.
var troubles = map[string]emulator.Trouble{
	"throttled":         {Code: "Throttling"},
	"throttled user":    {Code: "Throttling.User"},
	"throttled, waits":  {Code: "Throttling.User", RetryAfter: 3 * time.Second},
	"unavailable":       {Code: "ServiceUnavailable"},
	"internal error":    {Code: "InternalError"},
	"hangs":             {Hang: true},
	"slow":              {Delay: time.Minute},
	"no JSON":           {Body: "<html>maintenance</html>"},
	"half of JSON":      {Body: `{"RequestId":"x","TagResources":{"TagResource":[{"Resou`},
	"nothing":           {Body: `{}`},
	"null":              {Body: `null`},
	"another type":      {Body: `{"RequestId":"x","TagResources":"none"}`},
	"the same page":     {Body: `{"RequestId":"x","NextToken":"again","TagResources":[]}`},
	"an empty document": {Body: " "},
}

// TestTroubleOfOneAccount has one account fail in every way. Its lookups end
// within their budget, and those of others are not even slow.
func TestTroubleOfOneAccount(t *testing.T) {
	for name, trouble := range troubles {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, emulator.Options{Latency: 10 * time.Millisecond})
				create(w.member, 300)
				create(w.another, 300)
				trouble.Until = time.Now().Add(time.Minute)
				w.member.Trouble("", trouble)
				w.member.Trouble("STS", emulator.Trouble{Delay: time.Millisecond}) // its role can be assumed
				for wave := range 10 {
					var rs []alitags.Resource
					for i := range 30 {
						rs = append(rs, instance(member, 30*wave+i), instance(other, 30*wave+i))
					}
					for i, g := range all(t.Context(), w.Client, rs, alitags.Event{}) {
						switch {
						case g.err != nil:
							t.Fatalf("%v: %v", rs[i], g.err)
						case rs[i].Account == other && (g.Status != alitags.Found || g.after > time.Second):
							t.Fatalf("%v: %s after %v", rs[i], g.Status, g.after)
						case rs[i].Account == member && g.Status != alitags.Failed && g.Status != alitags.Found, g.after > budget:
							t.Fatalf("%v: %s after %v", rs[i], g.Status, g.after)
						case wave == 0 && rs[i].Account == member && g.Status != alitags.Failed:
							t.Fatalf("%v: %s in the middle of it", rs[i], g.Status)
						}
					}
				}
				time.Sleep(2 * time.Minute) // it is over: what failed was not remembered
				for i := range 10 {
					r := instance(member, i)
					want(t, one(t, w.Client, r, alitags.Event{}), alitags.Found, map[string]string{"n": fmt.Sprint(i)})
				}
				if n := w.calls("ECS", member); n > 120 {
					t.Errorf("%d calls in a minute of trouble", n)
				}
			})
		})
	}
}

// TestAnOutageIsNotWaitedOutAgainAndAgain: after the first lookups had no answer,
// the next ones wait for less, until one has.
func TestAnOutageIsNotWaitedOutAgainAndAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, emulator.Options{Latency: 1500 * time.Millisecond})
		create(w.management, 100)
		w.management.Trouble("ECS", emulator.Trouble{Hang: true})
		began := time.Now()
		for i := range 20 {
			if a := one(t, w.Client, instance(management, i), alitags.Event{}); a.Status != alitags.Failed {
				t.Fatal(a)
			}
		}
		if d := time.Since(began); d > 3*budget {
			t.Errorf("%v for 20 lookups one after the other", d)
		}
		// The API is back, though slower than a lookup now waits: that it answers
		// is noticed all the same.
		w.management.Trouble("ECS", emulator.Trouble{})
		for i := range 10 {
			_ = one(t, w.Client, instance(management, i), alitags.Event{})
		}
		want(t, one(t, w.Client, instance(management, 50), alitags.Event{}), alitags.Found, map[string]string{"n": "50"})
	})
}

func TestDenied(t *testing.T) {
	for name, deny := range map[string]func(*world){
		"the role does not trust":    func(w *world) { w.member.Trust(false) },
		"no permission":              func(w *world) { w.member.Deny("ecs:ListTagResources") },
		"another code":               func(w *world) { w.member.Trouble("ECS", emulator.Trouble{Code: "Forbidden.RAM"}) },
		"refused as such by STS too": func(w *world) { w.member.Trouble("STS", emulator.Trouble{Code: "NoPermission"}) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, emulator.Options{})
				create(w.member, 500)
				create(w.another, 500)
				deny(w)
				var rs []alitags.Resource
				for i := range 500 {
					rs = append(rs, instance(member, i), instance(other, i))
				}
				for i, g := range all(t.Context(), w.Client, rs, alitags.Event{}) {
					if status := map[string]alitags.Status{member: alitags.Denied, other: alitags.Found}[rs[i].Account]; g.err != nil || g.Status != status || g.after > time.Second {
						t.Fatalf("%v: %+v", rs[i], g)
					}
				}
				if n := w.calls("ECS", member); n > 30 {
					t.Errorf("%d calls where all are denied", n)
				}
				if n := w.cloud.Count("AssumeRole"); n != 2 {
					t.Errorf("%d calls of AssumeRole", n)
				}
				// It is not asked again for each event, but it is some day.
				before := w.calls("ECS", member)
				for i := range 500 {
					if g := one(t, w.Client, instance(member, i), alitags.Event{}); g.Status != alitags.Denied {
						t.Fatal(g)
					}
				}
				if n := w.calls("ECS", member) - before; n != 0 {
					t.Errorf("%d more calls", n)
				}
				w.member.Trust(true)
				w.member.Allow("ecs:ListTagResources")
				w.member.Trouble("ECS", emulator.Trouble{})
				w.member.Trouble("STS", emulator.Trouble{})
				time.Sleep(6 * time.Minute)
				want(t, one(t, w.Client, instance(member, 7), alitags.Event{}), alitags.Found, map[string]string{"n": "7"})
			})
		})
	}
}

// TestABadIDSpoilsNothing has a few ids of a group refused, for reasons of their
// own: what is denied, what is not there, and what is not even an id.
func TestABadIDSpoilsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, emulator.Options{NotFound: true})
		create(w.member, 100)
		statuses := map[int]alitags.Status{}
		for _, i := range []int{0, 13, 49} {
			w.member.Deny("ecs:ListTagResources", instance(member, i).ID)
			statuses[i] = alitags.Denied
		}
		for _, i := range []int{20, 21, 63} {
			w.member.Delete(made(instance(member, i)))
			statuses[i] = alitags.Gone
		}
		var rs []alitags.Resource
		for i := range 100 {
			rs = append(rs, instance(member, i))
		}
		for i, g := range all(t.Context(), w.Client, rs, alitags.Event{}) {
			status := statuses[i]
			if status == "" {
				status = alitags.Found
			}
			if g.err != nil || g.Status != status {
				t.Errorf("%v: %+v, want %s", rs[i], g, status)
			}
		}
	})
}

func TestSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, emulator.Options{LongestSession: time.Hour, Latency: time.Second})
		create(w.member, 2000)
		ask := func(from, to int) {
			t.Helper()
			var rs []alitags.Resource
			for i := from; i < to; i++ {
				rs = append(rs, instance(member, i))
			}
			for i, g := range all(t.Context(), w.Client, rs, alitags.Event{}) {
				if g.Status != alitags.Found {
					t.Fatalf("%v: %+v", rs[i], g)
				}
			}
		}
		for i := range 14 { // seven hours
			ask(i*100, (i+1)*100)
			time.Sleep(30 * time.Minute)
		}
		if n := w.cloud.Count("AssumeRole"); n != 7 { // 55 min hold two of them
			t.Errorf("%d sessions in %d half hours", n, 14)
		}
		// A session that ends before its time is replaced, for all at once.
		before := w.cloud.Count("AssumeRole")
		w.cloud.Expire()
		ask(1500, 1900)
		if n := w.cloud.Count("AssumeRole") - before; n != 1 {
			t.Errorf("%d sessions for one that was taken back", n)
		}
	})
}

// TestARenewalThatFails does no harm while the session is good.
func TestARenewalThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, emulator.Options{})
		create(w.member, 10)
		one(t, w.Client, instance(member, 0), alitags.Event{})
		time.Sleep(57 * time.Minute)
		w.member.Trouble("STS", emulator.Trouble{Code: "ServiceUnavailable"})
		want(t, one(t, w.Client, instance(member, 1), alitags.Event{}), alitags.Found, map[string]string{"n": "1"})
		time.Sleep(time.Minute)
		w.member.Trouble("STS", emulator.Trouble{})
		want(t, one(t, w.Client, instance(member, 2), alitags.Event{}), alitags.Found, map[string]string{"n": "2"})
		time.Sleep(10 * time.Minute)
		want(t, one(t, w.Client, instance(member, 3), alitags.Event{}), alitags.Found, map[string]string{"n": "3"})
	})
}

// TestAWrongKeyIsNoAnswer: what is wrong with the function itself is an error of
// all lookups, and says what to do.
func TestAWrongKeyIsNoAnswer(t *testing.T) {
	reset := errors.New("connect: connection refused")
	for name, tc := range map[string]struct {
		options   emulator.Options
		change    func(*alitags.Options)
		cut       error
		permanent bool
		says      string
	}{
		"another secret": {change: func(o *alitags.Options) { o.Key.AccessKeySecret = "hunter2hunter2" }, permanent: true, says: "SignatureDoesNotMatch"},
		"an unknown key": {change: func(o *alitags.Options) { o.Key.AccessKeyID = "nobody" }, permanent: true, says: "InvalidAccessKeyId.NotFound"},
		"a clock":        {options: emulator.Options{Skew: time.Hour}, permanent: true, says: "InvalidTimeStamp.Expired"},
		"no STS":         {cut: reset, says: "STS_ENDPOINT"},
		"no name of STS": {cut: &net.DNSError{Err: "no such host", IsNotFound: true}, says: "STS_ENDPOINT"},
	} {
		for _, account := range []string{management, member} {
			if tc.cut != nil && account == management {
				continue // its key needs no STS
			}
			t.Run(name+" "+account, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var change []func(*alitags.Options)
					if tc.change != nil {
						change = append(change, tc.change)
					}
					w := newWorld(t, tc.options, change...)
					w.wire.cut = func(r *http.Request) error {
						if r.Header.Get("x-acs-version") == "2015-04-01" { // that of STS
							return tc.cut
						}
						return nil
					}
					began := time.Now()
					a, err := w.Get(t.Context(), instance(account, 1), alitags.Event{})
					if !alitags.IsFault(err) || retry.IsPermanent(err) != tc.permanent || !strings.Contains(err.Error(), tc.says) || a.Status != "" {
						t.Errorf("%+v, %v", a, err)
					}
					if strings.Contains(fmt.Sprint(err), "hunter2") {
						t.Errorf("a secret: %v", err)
					}
					if d := time.Since(began); d > budget || tc.permanent && d > time.Second {
						t.Errorf("after %v", d)
					}
				})
			})
		}
	}
}

// TestSTSFailsForOneAccount is that account's own affair where STS answers others.
func TestSTSFailsForOneAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, emulator.Options{Latency: 10 * time.Millisecond})
		create(w.another, 1)
		w.member.Trouble("STS", emulator.Trouble{Code: "InternalError"})
		var g got
		done := make(chan struct{})
		go func() {
			defer close(done)
			g = all(t.Context(), w.Client, []alitags.Resource{instance(member, 0)}, alitags.Event{})[0]
		}()
		time.Sleep(2 * time.Second)
		one(t, w.Client, instance(other, 0), alitags.Event{})
		<-done
		if g.err != nil || g.Status != alitags.Failed {
			t.Errorf("%+v", g)
		}
	})
}

// TestCutOffIsNoAnswer: a run that ends leaves its lookups without one, and at
// once; others who wait for the same resource get theirs.
func TestCutOffIsNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, emulator.Options{Latency: 2 * time.Second})
		create(w.management, 2)
		why := errors.New("stopped")
		ctx, stop := context.WithCancelCause(t.Context())
		ended := make(chan got, 2)
		for i := range 2 {
			began := time.Now()
			w.Lookup(ctx, instance(management, i), alitags.Event{}, func(a alitags.Answer, err error) { ended <- got{a, err, time.Since(began)} })
		}
		stays := make(chan got, 1)
		w.Lookup(t.Context(), instance(management, 1), alitags.Event{}, func(a alitags.Answer, err error) { stays <- got{a, err, 0} })
		time.Sleep(time.Second)
		stop(why)
		for range 2 {
			if g := <-ended; !errors.Is(g.err, why) || g.after != time.Second {
				t.Errorf("%+v", g)
			}
		}
		if g := <-stays; g.err != nil || g.Status != alitags.Found {
			t.Errorf("the other lookup: %+v", g)
		}
		if _, err := w.Get(ctx, instance(management, 7), alitags.Event{}); !errors.Is(err, why) {
			t.Errorf("after the end: %v", err)
		}
		// Closing ends what waits.
		w.Lookup(t.Context(), instance(management, 9), alitags.Event{}, func(a alitags.Answer, err error) { ended <- got{a, err, 0} })
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if g := <-ended; !errors.Is(g.err, alitags.ErrClosed) {
			t.Errorf("%+v", g)
		}
	})
}

func TestNewNamesEveryFault(t *testing.T) {
	_, err := alitags.New(alitags.Options{Account: "x", Endpoints: alitags.Endpoints{STS: "http://sts.example.com", Tag: "https://u:hunter2@h"}})
	for _, part := range []string{"management account", "access key", "STS endpoint", "Tag endpoint"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v: want %s", err, part)
		}
	}
	if strings.Contains(fmt.Sprint(err), "hunter2") {
		t.Error(err)
	}
}

func TestCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, emulator.Options{})
		for _, account := range []string{management, member} {
			if err := w.Check(t.Context(), account, region); err != nil {
				t.Errorf("%s: %v", account, err)
			}
		}
		w.another.Trust(false)
		w.member.Deny("tag:ListTagResources")
		for account, says := range map[string]string{other: "sts:AssumeRole", member: "tag:ListTagResources", "4711": "ROLE_NAME"} {
			if err := w.Check(t.Context(), account, region); !retry.IsPermanent(err) || alitags.IsFault(err) || !strings.Contains(err.Error(), says) {
				t.Errorf("%s: %v", account, err)
			}
		}
		wrong := w.open(t, func(o *alitags.Options) { o.Key = alibaba.Credentials{AccessKeyID: "x", AccessKeySecret: "y"} })
		if err := wrong.Check(t.Context(), management, region); !alitags.IsFault(err) {
			t.Error(err)
		}
	})
}

// TestStrangeEventsAreBounded: what events name is no measure for what is held,
// and what cannot be an id is not sent to anyone.
func TestStrangeEventsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, emulator.Options{}, func(o *alitags.Options) { o.Size = 100 })
		create(w.member, 1)
		one(t, w.Client, instance(member, 0), alitags.Event{})
		sent := w.cloud.Count("ListTagResources")
		for _, id := range []string{"", "i\n", strings.Repeat("i", 10_000)} {
			r := instance(member, 0)
			r.ID = id
			want(t, one(t, w.Client, r, event("DeleteInstance")), alitags.Unsupported, nil)
		}
		if n := w.cloud.Count("ListTagResources"); n != sent {
			t.Errorf("%d calls for no ids", n-sent)
		}
		for i := range 15 {
			var rs []alitags.Resource
			for n := range 200 { // accounts that are nobody's
				rs = append(rs, instance(fmt.Sprint(200*i+n+5_000_000), n))
			}
			for _, g := range all(t.Context(), w.Client, rs, alitags.Event{}) {
				if g.err != nil || g.Status != alitags.Denied {
					t.Fatalf("%+v", g)
				}
			}
		}
		if scopes, accounts, flights := w.Sizes(); scopes > 1500 || accounts > 1500 || flights != 0 {
			t.Errorf("%d scopes, %d accounts, %d flights are held", scopes, accounts, flights)
		}
	})
}

// TestWhatIsRefusedIsNotAskedForEver: a type that the service has no ARN for, an
// id that it does not take, and a permission that is taken away cost few calls,
// however many events there are.
func TestWhatIsRefusedIsNotAskedForEver(t *testing.T) {
	for name, tc := range map[string]struct {
		typ, code string
		before    bool // it could be asked before
		status    alitags.Status
		calls     int
	}{
		"a type without an ARN":      {"ACS::RDS::DBInstance", "InvalidParameter.ResourceARN", false, alitags.Unsupported, 30},
		"a type that is not known":   {"ACS::RDS::DBInstance", "UnsupportedResourceType", false, alitags.Unsupported, 3},
		"ids that are none":          {"ACS::ECS::Disk", "InvalidParameter.ResourceId", false, alitags.Failed, 30},
		"a permission was taken":     {"ACS::ECS::Disk", "NoPermission", true, alitags.Denied, 150},
		"a permission for ARNs, too": {"ACS::VPC::VPC", "Forbidden.RAM", true, alitags.Denied, 150},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, emulator.Options{Latency: 10 * time.Millisecond})
				var rs []alitags.Resource
				for i := range 1000 {
					r := alitags.Resource{Account: member, Region: region, Type: tc.typ, ID: fmt.Sprint("r-", i)}
					rs = append(rs, r)
					w.member.Create(made(r), map[string]string{"n": fmt.Sprint(i)})
				}
				if tc.before {
					want(t, one(t, w.Client, rs[0], alitags.Event{}), alitags.Found, map[string]string{"n": "0"})
					time.Sleep(time.Hour)
				}
				for _, api := range []string{"ECS", "Tag"} {
					w.member.Trouble(api, emulator.Trouble{Code: tc.code})
				}
				before := w.cloud.Count("ListTagResources")
				for range 2 {
					for i, g := range all(t.Context(), w.Client, rs, alitags.Event{}) {
						if g.err != nil || g.Status != tc.status || g.after > budget {
							t.Fatalf("%v: %+v", rs[i], g)
						}
					}
				}
				if n := w.cloud.Count("ListTagResources") - before; n > tc.calls {
					t.Errorf("%d calls, want %d at most", n, tc.calls)
				}
				for _, api := range []string{"ECS", "Tag"} {
					w.member.Trouble(api, emulator.Trouble{})
				}
				time.Sleep(6 * time.Minute)
				want(t, one(t, w.Client, rs[7], alitags.Event{}), alitags.Found, map[string]string{"n": "7"})
			})
		})
	}
}

// TestPartsOfAGroupAreAnswered although the rest of it is not.
func TestPartsOfAGroupAreAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, emulator.Options{Latency: 400 * time.Millisecond})
		create(w.member, 50)
		one(t, w.Client, instance(member, 0), alitags.Event{})
		for i := 25; i < 50; i += 2 { // to tell these apart takes longer than a lookup may
			w.member.Deny("ecs:ListTagResources", instance(member, i).ID)
		}
		var rs []alitags.Resource
		for i := 1; i < 50; i++ {
			rs = append(rs, instance(member, i))
		}
		for range 5 {
			all(t.Context(), w.Client, rs, alitags.Event{})
			time.Sleep(time.Second)
		}
		for i, r := range rs {
			status := alitags.Found
			if i+1 >= 25 && (i+1)%2 == 1 {
				status = alitags.Denied
			}
			if a, ok := w.Known(r, alitags.Event{}); !ok || a.Status != status {
				t.Errorf("%v: %+v, %v", r, a, ok)
			}
		}
	})
}

// TestAnOutageIsBounded: what was given up is not held until the API is back.
func TestAnOutageIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, emulator.Options{})
		w.management.Trouble("", emulator.Trouble{Code: "Throttling", RetryAfter: time.Minute})
		most := 0
		for n := range 200 {
			for i := range 50 {
				w.Lookup(t.Context(), instance(management, 50*n+i), alitags.Event{}, func(alitags.Answer, error) {})
			}
			time.Sleep(200 * time.Millisecond)
			most = max(most, w.Queued())
		}
		if most > 5500 { // those of one budget, half as many again
			t.Errorf("%d flights are queued", most)
		}
		time.Sleep(budget)
		if _, _, flights := w.Sizes(); flights != 0 || w.Queued() > 200 {
			t.Errorf("%d flights, %d queued, with nobody who waits", flights, w.Queued())
		}
	})
}
