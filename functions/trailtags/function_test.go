package trailtags_test

import (
	"fmt"
	"testing"

	cloud "github.com/siemfeed/siemfeed/pkg/emulator/alibaba"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/sls"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

func want(t *testing.T, row map[string]string, fields map[string]string) {
	t.Helper()
	if row == nil {
		t.Error("there is no such row")
		return
	}
	for k, v := range fields {
		got, there := row[k]
		if v == absent && there || v != absent && got != v {
			t.Errorf("%s of %s is %q, want %q", k, row["eventId"], got, v)
		}
	}
}

const absent = "\x00"

func TestEvents(t *testing.T) {
	w := newWorld(t, emulator.Options{}, cloud.Options{}, nil)
	w.create(member, instance, "i-a", map[string]string{"project": "alpha", "größe": "山"})
	w.create(member, instance, "i-b", nil)
	w.create(member, balancer, "lb-c", map[string]string{"project": "beta"})
	w.create(admin, database, "rm-d", map[string]string{"project": "gamma"})
	one := w.write("StopInstance", member, instance, "i-a")
	two := w.write("StopInstances", member, instance+";"+balancer, "i-a", "i-b;lb-c")
	own := w.write("ModifyDBInstance", admin, database, "rm-d").with("serviceName", "Rds")
	none := w.write("CreateUser", member, "")
	w.put(0, one, two)
	w.put(1, own, none)
	r := w.drain()
	rows := w.byID()
	id := func(e event, n string) map[string]string { return rows[e["eventId"].(string)+"/"+n] }
	want(t, id(one, "1"), map[string]string{
		"eventId": one["eventId"].(string), "eventName": "StopInstance", "eventRW": "Write", "eventSource": "ecs.aliyuncs.com", "eventTime": one["eventTime"].(string), "eventType": "ApiCall",
		"acsRegion": "cn-hangzhou", "serviceName": "Ecs", "resourceType": instance, "resourceName": "i-a", "accountId": member, "principalId": "2015", "userName": "alice", "userType": "ram-user",
		"tag_project": "alpha", "tag_größe": "山", "tagStatus": "found", "resourceIndex": "1", "resourceCount": "1",
	})
	want(t, id(two, "1"), map[string]string{"resourceName": "i-a", "tag_project": "alpha", "resourceCount": "3"})
	want(t, id(two, "2"), map[string]string{"resourceName": "i-b", "tag_project": absent, "tagStatus": "untagged", "resourceIndex": "2", "resourceCount": "3"})
	want(t, id(two, "3"), map[string]string{"resourceName": "lb-c", "resourceType": balancer, "tag_project": "beta", "tagStatus": "found"})
	want(t, id(own, "1"), map[string]string{"tag_project": "gamma", "tagStatus": "found", "accountId": admin})
	want(t, id(none, "0"), map[string]string{"tagStatus": "none", "resourceIndex": "0", "resourceCount": "0", "resourceName": ""})
	if len(w.out()) != 6 || r.In != 4 || r.EventsOut != 4 || r.Out != 6 {
		t.Errorf("%d rows, %+v", len(w.out()), r)
	}
}

// An event may name hundreds of resources: each has its row, and its place.
func TestManyResourcesOfOneEvent(t *testing.T) {
	const many = 300
	w := newWorld(t, emulator.Options{}, cloud.Options{}, nil)
	ids := make([]string, many)
	for i := range ids {
		ids[i] = fmt.Sprint("i-", i)
		w.create(member, instance, ids[i], map[string]string{"n": ids[i]})
	}
	e := w.write("StopInstances", member, instance, ids...)
	w.put(0, e)
	r := w.drain()
	rows := w.byID()
	if r.EventsOut != 1 || r.Out != many || len(rows) != many {
		t.Errorf("%d rows, %+v", len(rows), r)
	}
	for i, id := range ids {
		want(t, rows[fmt.Sprint(e["eventId"], "/", i+1)], map[string]string{"resourceName": id, "tag_n": id, "resourceCount": "300"})
	}
	if n := w.cloud.Count("ListTagResources"); n > many/10 { // as few as six, on a machine that is not slow
		t.Errorf("%d calls", n)
	}
	w.WantProof(w.function())
}

// Function Compute's trigger hands over a range, and a 200 is the checkpoint.
func TestRange(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 1}, cloud.Options{}, nil)
	w.create(member, instance, "i-a", map[string]string{"project": "alpha"})
	var events []event
	for range 5 {
		events = append(events, w.write("StopInstance", member, instance, "i-a"))
		w.put(0, events[len(events)-1])
	}
	first, end := w.Store.Range(0)
	f := w.function()
	r, err := w.RunOn(f, trigger.Event{Kind: trigger.Logs, Range: &trigger.LogRange{Project: "project", Logstore: "logstore", Shard: 0, Begin: sls.FormatCursor(first + 1), End: sls.FormatCursor(end - 1)}})
	if err != nil || r.Base().Status != receipt.OK || r.Base().In != 3 || r.Base().Out != 3 {
		t.Fatalf("%v: %+v", err, r)
	}
	rows := w.byID()
	for i, e := range events {
		if row := rows[e["eventId"].(string)+"/1"]; (row != nil) != (i > 0 && i < 4) {
			t.Errorf("event %d of the range 1 to 3: %v", i, row)
		}
	}
	if keys, err := w.State.Keys(t.Context(), "trailtags/tags/"); err != nil || len(keys) == 0 {
		t.Errorf("what is known of tags is not kept when the range is answered: %v", err)
	}
}
