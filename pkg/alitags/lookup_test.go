package alitags_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siemfeed/siemfeed/pkg/alitags"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/alibaba"
)

func TestManyShareACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, emulator.Options{})
		create(w.member, 120)
		var rs []alitags.Resource
		for i := range 120 {
			rs = append(rs, instance(member, i), instance(member, i)) // each twice
		}
		for i, g := range all(t.Context(), w.Client, rs, alitags.Event{}) {
			if g.err != nil || g.Status != alitags.Found || g.Tags.Map()["n"] != fmt.Sprint(i/2) {
				t.Fatalf("%v: %+v", rs[i], g)
			}
		}
		if n := w.ids("ECS", member); n != 120 {
			t.Errorf("%d ids asked about, for 120 resources", n)
		}
		if n := w.calls("ECS", member); n != 3 {
			t.Errorf("%d calls for 120 resources", n)
		}
		if n := w.cloud.Count("AssumeRole"); n != 1 {
			t.Errorf("%d sessions", n)
		}
		for _, r := range rs {
			a, ok := w.Known(r, alitags.Event{})
			if !ok || a.Status != alitags.Found {
				t.Fatal(r, a, ok)
			}
		}
		time.Sleep(6 * time.Minute)
		if _, ok := w.Known(rs[0], alitags.Event{}); ok {
			t.Error("an answer counts longer than TAG_TTL and a tenth")
		}
		want(t, one(t, w.Client, rs[0], alitags.Event{}), alitags.Found, map[string]string{"n": "0"})
		// The second of two may come when the answer to the first is there.
		if s := w.Stats(); s.Calls != 4 || s.AssumeRole != 1 || s.Asked+s.Known != 241+240 || s.Known < 240 {
			t.Errorf("%+v", s)
		}
	})
}

// TestEveryKindFormsAValidCall asks about one resource of each line of the table.
// The emulator has rules of its own about what a call may hold.
func TestEveryKindFormsAValidCall(t *testing.T) {
	// A type that each product has, for the lines that stand for all of them.
	some := map[string]string{"ACS::RDS::*": "ACS::RDS::DBInstance", "ACS::VPC::*": "ACS::VPC::VSwitch", "ACS::OSS::*": "ACS::OSS::Bucket", "ACS::SLS::*": "ACS::SLS::LogStore", "ACS::Redis::*": "ACS::Redis::DBInstance"}
	notThere := map[string]bool{"ACS::ActionTrail::*": true, "ACS::Config::*": true}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, emulator.Options{})
		for _, typ := range alitags.Types() {
			name := typ
			if some[typ] != "" {
				name = some[typ]
			} else if strings.HasSuffix(typ, "*") {
				name = strings.TrimSuffix(typ, "*") + "Thing"
			}
			for _, a := range []*emulator.Account{w.management, w.member} {
				r := alitags.Resource{Account: a.ID(), Region: region, Type: name, ID: "the-one/with:all"}
				there := made(r)
				if alitags.IsCentral(name) {
					there.Region, r.Region = "", "ap-southeast-1" // wherever the event was recorded
				}
				tags := map[string]string{"of": name}
				a.Create(there, tags)
				if notThere[typ] {
					want(t, one(t, w.Client, r, alitags.Event{}), alitags.Unsupported, nil)
					continue
				}
				if got := one(t, w.Client, r, alitags.Event{}); got.Status != alitags.Found || got.Tags != alitags.MakeTags(tags) {
					t.Errorf("%s: %+v", typ, got)
				}
			}
		}
		for _, typ := range []string{"", "Instance", "ACS::Nothing::Known", "ACS::ECS"} {
			r := alitags.Resource{Account: member, Region: region, Type: typ, ID: "x"}
			want(t, one(t, w.Client, r, alitags.Event{}), alitags.Unsupported, nil)
		}
	})
}

// TestTypesOfOtherNames are those of ActionTrail, where these are known.
func TestTypesOfOtherNames(t *testing.T) {
	for own, want := range map[string]string{
		"ACS::Ecs::instance": "ACS::ECS::Instance", "ACS::Ecs::eni": "ACS::ECS::NetworkInterface", "ACS::ecs::snapshotpolicy": "ACS::ECS::AutoSnapshotPolicy",
		"ACS::Slb::instance": "ACS::SLB::LoadBalancer", "ACS::Rds::INSTANCE": "ACS::RDS::DBInstance", "ACS::rds::dbinstance": "ACS::RDS::DBInstance",
		"ACS::vpc::VSWITCH": "ACS::VPC::VSWITCH", "ACS::Nobody::knows": "ACS::Nobody::knows", "ACS::ecs::": "ACS::ecs::", "": "", "instance": "instance",
	} {
		if got := alitags.TypeOf(own); got != want {
			t.Errorf("%s is %s, want %s", own, got, want)
		}
	}
}

func TestLimitsOfACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, emulator.Options{})
		for _, tc := range []struct {
			typ, service string
			n, calls     int
		}{{"ACS::SLB::LoadBalancer", "SLB", 45, 3}, {"ACS::RDS::DBInstance", "Tag", 101, 3}, {"ACS::ECS::Disk", "ECS", 51, 2}} {
			var rs []alitags.Resource
			for i := range tc.n {
				r := alitags.Resource{Account: member, Region: region, Type: tc.typ, ID: fmt.Sprintf("%s-%d", tc.service, i)}
				rs = append(rs, r)
				w.member.Create(made(r), map[string]string{"a": "1"})
			}
			for i, g := range all(t.Context(), w.Client, rs, alitags.Event{}) {
				if g.Status != alitags.Found {
					t.Fatalf("%v: %+v", rs[i], g)
				}
			}
			if n := w.calls(tc.service, member); n != tc.calls {
				t.Errorf("%s: %d calls for %d resources", tc.service, n, tc.n)
			}
		}
	})
}

// TestPages has resources with as many tags as they may have, and small pages.
func TestPages(t *testing.T) {
	for _, typ := range []string{"ACS::ECS::Instance", "ACS::SLB::LoadBalancer", "ACS::VPC::VPC"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, emulator.Options{PageRows: 7})
			var rs []alitags.Resource
			wants := map[string]map[string]string{}
			for i := range 30 {
				r := alitags.Resource{Account: member, Region: region, Type: typ, ID: fmt.Sprint("r-", i)}
				tags := map[string]string{}
				for n := range i % 21 {
					tags[fmt.Sprintf("%d-%s", n, strings.Repeat("ключ", 30))] = strings.Repeat("值", 200+n)
				}
				rs, wants[r.ID] = append(rs, r), tags
				w.member.Create(made(r), tags)
			}
			for i, g := range all(t.Context(), w.Client, rs, alitags.Event{}) {
				status := alitags.Found
				if len(wants[rs[i].ID]) == 0 {
					status = alitags.Untagged
				}
				want(t, g.Answer, status, wants[rs[i].ID])
			}
		})
	}
}

func TestSystemTags(t *testing.T) {
	for _, typ := range []string{"ACS::ECS::Instance", "ACS::SLB::LoadBalancer", "ACS::VPC::VPC"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, emulator.Options{})
			r := alitags.Resource{Account: management, Region: region, Type: typ, ID: "r-1"}
			w.management.Create(made(r), map[string]string{"team": "a"})
			w.management.TagSystem(made(r), map[string]string{"acs:rm:rgId": "rg-1"})
			want(t, one(t, w.Client, r, alitags.Event{}), alitags.Found, map[string]string{"team": "a"})
			both := w.open(t, func(o *alitags.Options) { o.System = true })
			want(t, one(t, both, r, alitags.Event{}), alitags.Found, map[string]string{"team": "a", "acs:rm:rgId": "rg-1"})
		})
	}
}

// TestFewCallsAnEvent is 100,000 events of 10,000 resources in three accounts.
func TestFewCallsAnEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events, each := 100_000, 3334
		if raced {
			events, each = events/10, each/10
		}
		w := newWorld(t, emulator.Options{Latency: 20 * time.Millisecond})
		accounts := []*emulator.Account{w.management, w.member, w.another}
		var rs []alitags.Resource
		types := []string{"ACS::ECS::Instance", "ACS::ECS::Disk", "ACS::SLB::LoadBalancer", "ACS::RDS::DBInstance", "ACS::VPC::VSwitch"}
		for _, a := range accounts {
			for i := range each {
				r := alitags.Resource{Account: a.ID(), Region: []string{region, "ap-southeast-1"}[i%2], Type: types[i%len(types)], ID: fmt.Sprintf("r-%05d", i)}
				a.Create(made(r), map[string]string{"name": a.ID() + r.ID, "env": "prod"})
				rs = append(rs, r)
			}
		}
		rng := rand.New(rand.NewPCG(1, 2))
		for left := events; left > 0; left -= 1000 { // as they come in pages
			var page []alitags.Resource
			for range 1000 {
				page = append(page, rs[rng.IntN(len(rs))])
			}
			for i, g := range all(t.Context(), w.Client, page, alitags.Event{}) {
				if g.err != nil || g.Status != alitags.Found || g.Tags.Map()["name"] != page[i].Account+page[i].ID {
					t.Fatalf("%v: %+v", page[i], g)
				}
			}
		}
		calls := w.cloud.Count("ListTagResources")
		t.Logf("%d calls for %d events: %.4f", calls, events, float64(calls)/float64(events))
		if calls > events/20 {
			t.Errorf("%d calls for %d events", calls, events)
		}
		if n := w.cloud.Count("AssumeRole"); n != 2 {
			t.Errorf("%d sessions for two members", n)
		}
	})
}

func TestWhatIsKnownCostsNothing(t *testing.T) {
	w := newWorld(t, emulator.Options{})
	create(w.member, 1)
	r := instance(member, 0)
	if a := one(t, w.Client, r, alitags.Event{}); a.Status != alitags.Found {
		t.Fatal(a)
	}
	e := alitags.Event{Name: "StopInstance", Time: time.Now()}
	if n := testing.AllocsPerRun(1000, func() {
		a, ok := w.Known(r, e)
		for k, v := range a.Tags.All() {
			ok = ok && k != v
		}
		if !ok {
			t.Fatal("not known")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkKnown(b *testing.B) {
	w := newWorld(b, emulator.Options{})
	create(w.member, 1000)
	var rs []alitags.Resource
	for i := range 1000 {
		rs = append(rs, instance(member, i))
	}
	all(b.Context(), w.Client, rs, alitags.Event{})
	e := alitags.Event{Name: "StopInstance", Time: time.Now()}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, ok := w.Known(rs[i%1000], e); !ok {
			b.Fatal("not known")
		}
	}
}
