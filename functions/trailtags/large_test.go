package trailtags_test

import (
	"fmt"
	"testing"

	sdk "github.com/aliyun/aliyun-log-go-sdk"

	cloud "github.com/siemfeed/siemfeed/pkg/emulator/alibaba"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/sls/consume/consumetest"
)

// What an auditor is promised, at size: every write goes out, as one row for each
// resource with its own tags; all else is counted; and hardly a call is made.
func TestHundredThousandEvents(t *testing.T) {
	events, resources := 100_000, 10_000
	if raced || testing.Short() {
		events, resources = 10_000, 1_000
	}
	w := newWorld(t, emulator.Options{Shards: 4}, cloud.Options{}, map[string]string{"SERVICES": "ecs, SLB"})
	w.Durable = func(string, *sdk.Log) bool { return true } // what is in the target is looked at in the end
	accounts := []string{admin, member, third}
	kinds := []string{instance, balancer}
	id := func(i int) string { return fmt.Sprintf("r-%05d", i) }
	project := func(i int) string { return fmt.Sprintf("project-%d", i%17) }
	for i := range resources {
		w.create(accounts[i%3], kinds[i/3%2], id(i), map[string]string{"project": project(i), "n": fmt.Sprint(i)})
	}
	gen := emulator.NewGenerator(1)
	var writes, reads, foreign, rows int
	expect := map[string]int{} // event → the resource of its row 1
	for n := 0; n < events; n += 100 {
		w.Put(n/100%4, gen.TrailOf(100, func(e map[string]any) {
			k := writes + reads + foreign
			i := k % resources
			e["recipientAccountId"] = accounts[i%3]
			e["resourceType"], e["resourceName"] = kinds[i/3%2], id(i)
			e["serviceName"] = []string{"Ecs", "Slb"}[i/3%2]
			switch {
			case k%10 == 3:
				reads++
				e["eventRW"] = "Read"
				return
			case k%10 == 7:
				foreign++
				e["serviceName"] = "Oss"
				return
			}
			writes++
			rows++
			if k%50 == 0 { // of the same account and kind
				e["resourceName"] = id(i) + "," + id((i+6)%(resources/6*6))
				rows++
			}
			expect[e["eventId"].(string)] = i
		}))
	}
	r := w.drain()
	if r.In != int64(events) || r.EventsOut != int64(writes) || r.Out != int64(rows) || r.FilteredBy["reads"] != int64(reads) || r.FilteredBy["other_services"] != int64(foreign) || r.Quarantined != 0 || r.Again != 0 {
		t.Errorf("of %d writes, %d reads and %d of other services, %d rows: %+v", writes, reads, foreign, rows, r)
	}
	if r.TagStatus["found"] != int64(rows) {
		t.Errorf("tagStatus %v of %d rows", r.TagStatus, rows)
	}
	wrong := 0
	out := w.out()
	for _, row := range out {
		var i int
		if _, err := fmt.Sscanf(row["resourceName"], "r-%d", &i); err != nil {
			t.Fatal(err)
		}
		of, known := expect[row["eventId"]]
		if !known || row["tag_project"] != project(i) || row["tag_n"] != fmt.Sprint(i) || row["tagStatus"] != "found" || row["resourceIndex"] == "1" && of != i || row["resourceType"] != kinds[i/3%2] {
			if wrong++; wrong < 5 {
				t.Errorf("wrong: %v", row)
			}
		}
	}
	if len(out) != rows || wrong > 0 {
		t.Errorf("%d rows, want %d; %d are wrong", len(out), rows, wrong)
	}
	calls := w.cloud.Count("ListTagResources") + w.cloud.Count("AssumeRole")
	t.Logf("%.4f calls an event", float64(calls)/float64(events))
	if calls > events/20 {
		t.Errorf("%d calls for %d events", calls, events)
	}
	for call, n := range w.cloud.Calls() {
		if call.Action == "AssumeRole" && n != 1 {
			t.Errorf("the role of account %s was assumed %d times", call.Account, n)
		}
	}
	if n := w.cloud.Count("AssumeRole"); n != 2 {
		t.Errorf("%d roles assumed, want those of two members", n)
	}
	w.WantCheckpoints(consumetest.Group)
	w.WantProof(w.function())
}
