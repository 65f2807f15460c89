package alitags_test

import (
	"fmt"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siemfeed/siemfeed/pkg/alitags"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/alibaba"
)

// TestAnAccountThatSTSFailsFor for good is no outage of STS, however long ago it
// answered for another; and it is not asked again and again.
func TestAnAccountThatSTSFailsFor(t *testing.T) {
	for name, trouble := range map[string]emulator.Trouble{
		"fails":             {Code: "InternalError"},
		"hangs":             {Hang: true},
		"gives no session":  {Body: `{"RequestId":"x"}`},
		"gives an old one":  {Body: `{"RequestId":"x","Credentials":{"AccessKeyId":"STS.x","AccessKeySecret":"y","SecurityToken":"z","Expiration":"1999-12-31T23:52:19Z"}}`},
		"answers by a page": {Body: `<html>`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, emulator.Options{Latency: 10 * time.Millisecond})
				create(w.another, 100)
				one(t, w.Client, instance(other, 0), alitags.Event{})
				w.member.Trouble("STS", trouble)
				before := w.cloud.Count("AssumeRole")
				for i := range 60 { // an hour
					time.Sleep(time.Minute)
					if a := one(t, w.Client, instance(member, i), alitags.Event{}); a.Status != alitags.Failed {
						t.Fatalf("%+v", a)
					}
					want(t, one(t, w.Client, instance(other, i), alitags.Event{}), alitags.Found, map[string]string{"n": fmt.Sprint(i)})
				}
				if n := w.cloud.Count("AssumeRole") - before; n > 150 {
					t.Errorf("%d sessions were asked for in an hour", n)
				}
				w.member.Trouble("STS", emulator.Trouble{})
				create(w.member, 100)
				time.Sleep(time.Minute)
				want(t, one(t, w.Client, instance(member, 1), alitags.Event{}), alitags.Found, map[string]string{"n": "1"})
			})
		})
	}
}

// TestSessionsThatAreNotTaken are not opened again and again.
func TestSessionsThatAreNotTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, emulator.Options{Latency: 10 * time.Millisecond})
		create(w.member, 1000)
		w.member.Trouble("ECS", emulator.Trouble{Code: "InvalidSecurityToken.Expired"})
		for i := range 600 { // ten minutes
			if a := one(t, w.Client, instance(member, i), alitags.Event{}); a.Status != alitags.Failed {
				t.Fatalf("%+v", a)
			}
			time.Sleep(time.Second)
		}
		if n := w.cloud.Count("AssumeRole"); n > 25 {
			t.Errorf("%d sessions in ten minutes", n)
		}
		w.member.Trouble("ECS", emulator.Trouble{})
		time.Sleep(time.Minute)
		want(t, one(t, w.Client, instance(member, 1), alitags.Event{}), alitags.Found, map[string]string{"n": "1"})
	})
}

// TestManyAccountsInTrouble, a region that does not answer or an organisation that
// is throttled, slow nobody else down.
func TestManyAccountsInTrouble(t *testing.T) {
	sick, seconds := 150, 40
	if raced {
		sick, seconds = 90, 12
	}
	for name, trouble := range map[string]emulator.Trouble{
		"hang":        {Hang: true},
		"throttled":   {Code: "Throttling.User"},
		"unavailable": {Code: "ServiceUnavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, emulator.Options{Latency: 10 * time.Millisecond})
				create(w.another, 50)
				id := func(n int) string { return fmt.Sprint(5_000_000 + n) }
				for n := range sick {
					w.cloud.AddAccount(id(n)).Trouble("ECS", trouble)
				}
				one(t, w.Client, instance(other, 0), alitags.Event{})
				for second := range seconds {
					for n := range sick {
						w.Lookup(t.Context(), instance(id(n), second), alitags.Event{}, func(alitags.Answer, error) {})
					}
					began := time.Now()
					a := one(t, w.Client, instance(other, 1+second), alitags.Event{})
					if d := time.Since(began); a.Status != alitags.Found || d > time.Second {
						t.Fatalf("%s after %v, in second %d", a.Status, d, second)
					}
					time.Sleep(time.Second - time.Since(began))
				}
				for n := range sick {
					w.cloud.AddAccount(id(n)).Trouble("ECS", emulator.Trouble{})
					create(w.cloud.AddAccount(id(n)), 1)
				}
				time.Sleep(time.Minute)
				for n := range sick { // all are asked again
					_ = one(t, w.Client, instance(id(n), 0), alitags.Event{})
				}
				time.Sleep(time.Minute)
				want(t, one(t, w.Client, instance(id(80), 0), alitags.Event{}), alitags.Found, map[string]string{"n": "0"})
			})
		})
	}
}

// TestManyAccountsAtOnce need as many sessions, and STS gives one caller no more
// than a hundred a second: there is one pace for all.
func TestManyAccountsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const accounts = 400
		w := newWorld(t, emulator.Options{Latency: 30 * time.Millisecond, CallsPerSecond: 100})
		var rs []alitags.Resource
		for n := range accounts {
			a := w.cloud.AddAccount(fmt.Sprint(5_000_000 + n))
			create(a, 1)
			rs = append(rs, instance(a.ID(), 0))
		}
		for i, g := range all(t.Context(), w.Client, rs, alitags.Event{}) {
			if g.err != nil || g.Status != alitags.Found {
				t.Errorf("%v: %+v", rs[i], g)
			}
		}
		if n := w.cloud.Count("AssumeRole"); n > accounts*3/2 {
			t.Errorf("%d sessions were asked for", n)
		}
	})
}

// TestABurst beyond what an account takes a second is worked off at that pace: a
// refusal of many calls at once is one.
func TestABurst(t *testing.T) {
	for _, rate := range []int{3, 5, 10} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, emulator.Options{Latency: 50 * time.Millisecond, CallsPerSecond: rate})
			n := 50 * rate * 3 // three seconds' worth
			create(w.member, n)
			var rs []alitags.Resource
			for i := range n {
				rs = append(rs, instance(member, i))
			}
			failed := 0
			for _, g := range all(t.Context(), w.Client, rs, alitags.Event{}) {
				if g.err != nil || g.Status != alitags.Found {
					failed++
				}
			}
			if failed > n/5 { // chance may have a call wait too long
				t.Errorf("%d a second: %d of %d have no answer, %+v", rate, failed, n, w.Stats())
			}
		})
	}
}

// TestARegionWithoutAnEndpoint costs its events next to nothing, and is found out
// again once it has one; a name that is not found once is nothing.
func TestARegionWithoutAnEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, emulator.Options{Latency: 10 * time.Millisecond})
		create(w.member, 100)
		one(t, w.Client, instance(member, 0), alitags.Event{})
		var asked, missing int
		w.wire.cut = func(r *http.Request) error {
			if r.Header.Get("x-acs-action") != "ListTagResources" {
				return nil
			}
			if asked++; asked <= missing {
				return &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "ecs.none.aliyuncs.com", IsNotFound: true}}
			}
			return nil
		}
		missing = 1
		want(t, one(t, w.Client, instance(member, 1), alitags.Event{}), alitags.Found, map[string]string{"n": "1"})
		missing = 1_000_000
		began := time.Now()
		time.Sleep(time.Hour) // what was known is too old
		for i := range 60 {
			status, tags := alitags.Failed, map[string]string(nil)
			if i < 2 { // but better than nothing
				status, tags = alitags.Stale, map[string]string{"n": fmt.Sprint(i)}
			}
			want(t, one(t, w.Client, instance(member, i), alitags.Event{}), status, tags)
			time.Sleep(time.Second)
		}
		if d := time.Since(began) - time.Hour - time.Minute; d > 8*time.Second {
			t.Errorf("60 lookups waited for %v", d)
		}
		if asked > 20 {
			t.Errorf("asked %d times in a minute", asked)
		}
		missing = 0
		time.Sleep(time.Minute)
		want(t, one(t, w.Client, instance(member, 60), alitags.Event{}), alitags.Found, map[string]string{"n": "60"})
	})
}

// TestIDsInAnotherCase are those of the event, and so are types.
func TestIDsInAnotherCase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, emulator.Options{})
		w.wire.cut = func(*http.Request) error { return nil }
		r := alitags.Resource{Account: member, Region: region, Type: "ACS::RDS::DBInstance", ID: "rm-ABC"}
		w.member.Trouble("Tag", emulator.Trouble{Body: `{"RequestId":"x","TagResources":[{"ResourceARN":"arn:acs:rds:cn-hangzhou:` + member + `:dbinstance/rm-abc","Tags":[{"Key":"n","Value":"1"}]}]}`})
		want(t, one(t, w.Client, r, alitags.Event{}), alitags.Found, map[string]string{"n": "1"})
		w.member.Trouble("Tag", emulator.Trouble{})
		r.Type = "ACS::Rds::DBInstance" // deleted, as another API writes it
		want(t, one(t, w.Client, r, event("DeleteDBInstance")), alitags.Stale, map[string]string{"n": "1"})
	})
}
