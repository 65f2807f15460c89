package trailtags_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	sdk "github.com/aliyun/aliyun-log-go-sdk"

	cloud "github.com/siemfeed/siemfeed/pkg/emulator/alibaba"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
)

// TestManyEvents is a day of three accounts: 100,000 events of 10,000 resources,
// some of several at once, between events that only read and those of services
// that nobody asked for. Every event that is asked for goes out, as a row for each
// of its resources, with its tags; and the APIs are hardly asked.
func TestManyEvents(t *testing.T) {
	const (
		events    = 100_000 / scale
		resources = 10_000 / scale
		perGroup  = 250
	)
	w := newWorld(t, emulator.Options{Shards: 4}, cloud.Options{}, map[string]string{"SERVICES": "ecs, SLB,rds"})
	accounts := []string{admin, member, third}
	kinds := []string{instance, balancer, database}
	type resource struct{ account, kind, id string }
	all := make([]resource, resources)
	for i := range all {
		all[i] = resource{accounts[i%3], kinds[i/3%3], fmt.Sprintf("r-%05d", i)}
		tags := map[string]string{"name": all[i].id, "project": fmt.Sprint("p", i%7)}
		if i%10 == 0 {
			tags = nil // one in ten has none
		}
		w.create(all[i].account, all[i].kind, all[i].id, tags)
	}
	// What each event that goes out names; by the number in its eventId.
	named := map[string][]resource{}
	reads, others, rows := 0, 0, 0
	rng := rand.New(rand.NewPCG(3, 4))
	for left := events; left > 0; left -= perGroup {
		var group []event
		for range perGroup {
			first := all[rng.IntN(len(all))]
			mine := []resource{first}
			for range rng.IntN(5) / 4 { // one in five names another, of the same account
				if next := all[(3*rng.IntN(len(all)/3)+int(first.account[15]-'1'))%len(all)]; next.account == first.account {
					mine = append(mine, next)
				}
			}
			e := w.write("StopInstance", first.account, "", "")
			names, types := "", ""
			for i, r := range mine {
				if i > 0 {
					names, types = names+";", types+";"
				}
				names, types = names+r.id, types+r.kind
			}
			e["resourceName"], e["resourceType"] = names, types
			switch rng.IntN(20) {
			case 0:
				e["eventRW"] = "Read"
				reads++
			case 1:
				e["serviceName"] = "Actiontrail"
				others++
			default:
				e["serviceName"] = []string{"Ecs", "Slb", "Rds"}[rng.IntN(3)]
				named[e["eventId"].(string)] = mine
				rows += len(mine)
			}
			group = append(group, e)
		}
		w.put(left/perGroup%4, group...)
	}
	w.Durable = nothingGuarded // by the count below, which is quicker
	r := w.drain()

	out := w.out()
	if len(out) != rows || r.In != events || r.Out != int64(rows) || r.EventsOut != int64(len(named)) || r.Filtered != int64(reads+others) || r.Quarantined != 0 {
		t.Errorf("%d rows, want %d of %d events, %d reads and %d of other services left out: %+v", len(out), rows, len(named), reads, others, r)
	}
	if r.FilteredBy["reads"] != int64(reads) || r.FilteredBy["other_services"] != int64(others) {
		t.Errorf("filtered by %v, want %d reads and %d of other services", r.FilteredBy, reads, others)
	}
	seen := map[string]bool{}
	for _, row := range out {
		var index int
		if _, err := fmt.Sscan(row["resourceIndex"], &index); err != nil {
			t.Fatal(row, err)
		}
		mine := named[row["eventId"]]
		if index < 1 || index > len(mine) || row["resourceCount"] != fmt.Sprint(len(mine)) {
			t.Fatalf("a row that is none of its event: %v", row)
		}
		if key := row["eventId"] + "/" + row["resourceIndex"]; seen[key] {
			t.Fatalf("twice: %v", row)
		} else {
			seen[key] = true
		}
		var number int
		res := mine[index-1]
		if _, err := fmt.Sscanf(res.id, "r-%d", &number); err != nil {
			t.Fatal(err)
		}
		status, name, project := "found", res.id, fmt.Sprint("p", number%7)
		if number%10 == 0 {
			status, name, project = "untagged", "", ""
		}
		if row["resourceName"] != res.id || row["resourceType"] != res.kind || row["tagStatus"] != status || row["tag_name"] != name || row["tag_project"] != project {
			t.Fatalf("%v, want %v %s", row, res, status)
		}
	}
	calls := w.cloud.Count("ListTagResources")
	t.Logf("%d calls for %d events: %.4f an event; %+v", calls, events, float64(calls)/events, *r.Lookups)
	if 20*calls > events {
		t.Errorf("%d calls for %d events", calls, events)
	}
	for c, n := range w.cloud.Calls() {
		if c.Action == "AssumeRole" && n != 1 {
			t.Errorf("the role of %s was assumed %d times", c.Account, n)
		}
	}
	if n := w.cloud.Count("AssumeRole"); n != 2 {
		t.Errorf("%d roles were assumed, of two members", n)
	}
	if s := r.Lookups; s.Calls != int64(calls) || s.AssumeRole != 2 {
		t.Errorf("the receipt says %+v, the cloud counted %d calls", s, calls)
	}
}

// nothingGuarded leaves it to the test whether what a checkpoint passes is there.
func nothingGuarded(string, *sdk.Log) bool { return true }
