package trailtags_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gocloud.dev/blob"

	cloud "github.com/siemfeed/siemfeed/pkg/emulator/alibaba"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/sls/consume/consumetest"
)

// TestTroubleWithLookups has the tags of one account out of reach in every way.
// Its events go out all the same, and say so; those of other accounts are as they
// would be without, and as soon; no checkpoint passes what is not written, which
// the world watches.
func TestTroubleWithLookups(t *testing.T) {
	const budget = 4 * time.Second // in which a slow machine, too, has the others' rows
	tests := map[string]func(*testing.T){}
	for name, tc := range map[string]struct {
		trouble func(*cloud.Account)
		status  string
		waits   bool // for the whole budget
	}{
		"the role cannot be assumed": {func(a *cloud.Account) { a.Trust(false) }, "denied", false},
		"no permission":              {func(a *cloud.Account) { a.Deny("ecs:ListTagResources") }, "denied", false},
		"throttled":                  {func(a *cloud.Account) { a.Trouble("ECS", cloud.Trouble{Code: "Throttling"}) }, "error", true},
		"throttled user":             {func(a *cloud.Account) { a.Trouble("", cloud.Trouble{Code: "Throttling.User"}) }, "error", true},
		"unavailable":                {func(a *cloud.Account) { a.Trouble("ECS", cloud.Trouble{Code: "ServiceUnavailable"}) }, "error", true},
		"no answer":                  {func(a *cloud.Account) { a.Trouble("ECS", cloud.Trouble{Hang: true}) }, "error", true},
		"malformed":                  {func(a *cloud.Account) { a.Trouble("ECS", cloud.Trouble{Body: `{"TagResources":{"TagRe`}) }, "error", true},
		"no JSON":                    {func(a *cloud.Account) { a.Trouble("ECS", cloud.Trouble{Body: "<html>"}) }, "error", true},
	} {
		tests[name] = func(t *testing.T) {
			w := newWorld(t, emulator.Options{Shards: 2}, cloud.Options{}, map[string]string{"LOOKUP_BUDGET": budget.String()})
			const each = 40
			ids := map[string]string{}
			for i := range each {
				id := fmt.Sprint("i-", i)
				for _, account := range []string{admin, member, third} {
					w.create(account, instance, id, map[string]string{"project": account})
					e := w.write("StopInstance", account, instance, id)
					ids[e["eventId"].(string)] = account
					w.put(i%2, e)
				}
			}
			tc.trouble(w.cloud.AddAccount(member))
			began, ended := time.Now(), make(chan error, 1)
			var r *receipt.Core
			go func() {
				full, err := w.tick()
				if full != nil {
					r = full.Base()
				}
				ended <- err
			}()
			// The others' rows are there while the account's events still wait.
			if tc.waits {
				for len(w.out()) < 2*each && time.Since(began) < budget {
					time.Sleep(10 * time.Millisecond)
				}
				for _, row := range w.out() {
					if ids[row["eventId"]] == member {
						t.Errorf("after %v: %v", time.Since(began), row)
					}
				}
				if n := len(w.out()); n < 2*each {
					t.Errorf("%d rows of other accounts after %v: they waited", n, time.Since(began))
				}
			}
			if err := <-ended; err != nil || r.Status != receipt.OK {
				t.Fatalf("%v: %+v", err, r)
			}
			out := w.out()
			if len(out) != 3*each {
				t.Errorf("%d rows", len(out))
			}
			for _, row := range out {
				account := ids[row["eventId"]]
				if account == member {
					want(t, row, map[string]string{"tagStatus": tc.status, "tag_project": absent, "accountId": member})
				} else {
					want(t, row, map[string]string{"tagStatus": "found", "tag_project": account})
				}
			}
			// All is done: another run has nothing to do.
			if r := w.drain(); r.In != 0 {
				t.Errorf("read again: %+v", r)
			}
		}
	}
	consumetest.AtOnce(t, tests)
}

// TestResourcesWithoutTags are those that no API knows.
func TestResourcesWithoutTags(t *testing.T) {
	w := newWorld(t, emulator.Options{}, cloud.Options{NotFound: true}, nil)
	w.create(member, instance, "i-1", map[string]string{"project": "alpha"})
	unknown := w.write("DoSomething", member, "ACS::Nothing::Known", "x-1")
	odd := w.write("DoSomething", member, "no type at all", "x-2")
	gone := w.write("DeleteInstance", member, instance, "i-gone")
	beside := w.write("StopInstances", member, instance, "i-1", "i-2")
	nobody := w.write("StopInstance", "4711", instance, "i-1")
	strange := w.write("StopInstance", member, instance, "i-1").with("acsRegion", "evil.example/x?")
	w.put(0, unknown, odd, gone, beside, nobody, strange)
	r := w.drain()
	rows := w.byID()
	for _, tc := range []struct {
		e             event
		index, status string
	}{
		{unknown, "1", "unsupported"}, {odd, "1", "unsupported"}, {gone, "1", "gone"}, {beside, "1", "found"}, {beside, "2", "gone"},
		{nobody, "1", "denied"}, {strange, "1", "unsupported"},
	} {
		want(t, rows[tc.e["eventId"].(string)+"/"+tc.index], map[string]string{"tagStatus": tc.status})
	}
	if r.EventsOut != 6 || r.Out != 7 {
		t.Errorf("%+v", r)
	}
}

// TestKnownTagsThatCannotBeRead are said to be, and hold no event up.
func TestKnownTagsThatCannotBeRead(t *testing.T) {
	w := newWorld(t, emulator.Options{}, cloud.Options{}, nil)
	w.create(member, instance, "i-1", map[string]string{"project": "alpha"})
	w.put(0, w.write("StopInstance", member, instance, "i-1"))
	w.drain()
	const broken = "trailtags/tags/20200101T000000.000Z-X.ndjson.gz"
	if _, err := w.State.Put(t.Context(), broken, strings.NewReader("no gzip"), blob.WriterOptions{}); err != nil {
		t.Fatal(err)
	}
	w.cloud.AddAccount(member).Delete(cloud.Resource{Region: "cn-hangzhou", Type: instance, ID: "i-1"})
	gone := w.write("DeleteInstance", member, instance, "i-1")
	w.put(0, gone)
	if r := w.drain(); !strings.Contains(r.Trouble, broken) {
		t.Errorf("trouble: %q", r.Trouble)
	}
	want(t, w.byID()[gone["eventId"].(string)+"/1"], map[string]string{"tagStatus": "stale", "tag_project": "alpha"})
}

// TestAWrongKeyFailsTheRun, and nothing is passed on that has no answer.
func TestAWrongKeyFailsTheRun(t *testing.T) {
	for name, change := range map[string]map[string]string{
		"another secret": {"RESOURCE_AK_KEY": "not-the-one"},
		"STS is away":    {"STS_ENDPOINT": "http://127.0.0.1:1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, emulator.Options{}, cloud.Options{}, map[string]string{"LOOKUP_BUDGET": "1s"})
			w.create(member, instance, "i-1", map[string]string{"project": "alpha"})
			e := w.write("StopInstance", member, instance, "i-1")
			w.put(0, e)
			right := map[string]string{}
			for k, v := range change {
				right[k], w.Env[k] = w.Env[k], v
			}
			r, err := w.tick()
			if err == nil || r == nil || r.Status != receipt.Failed || len(w.out()) != 0 {
				t.Fatalf("%v: %+v, %d rows", err, r, len(w.out()))
			}
			for k, v := range right {
				w.Env[k] = v
			}
			w.Env["LOOKUP_BUDGET"] = "1m" // the answer comes, however slow the machine is
			w.drain()
			want(t, w.byID()[e["eventId"].(string)+"/1"], map[string]string{"tagStatus": "found", "tag_project": "alpha"})
		})
	}
}
