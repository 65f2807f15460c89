package trailtags_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	sdk "github.com/aliyun/aliyun-log-go-sdk"

	cloud "github.com/siemfeed/siemfeed/pkg/emulator/alibaba"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// What is no event goes to quarantine, what is an odd one goes out, and neither
// stops the others.
func TestMalformedEvents(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 1}, cloud.Options{}, nil)
	w.create(member, instance, "i-a", map[string]string{"project": "alpha"})
	good := w.write("StopInstance", member, instance, "i-a")
	bad := []string{"", "not JSON", `[]`, `"{}"`, `null`, good.text()[:200], "{\x00}", `{"eventRW":"Write"}}`}
	for _, text := range bad {
		w.putText(0, text)
	}
	odd := []event{
		good.with("eventId", "odd-1").with("userIdentity", nil),
		good.with("eventId", 4711).with("acsRegion", "cn-hangzhou").with("eventVersion", map[string]any{}),
		good.with("eventId", "odd-3").with("recipientAccountId", 1000000000000002),
		good.with("eventId", "odd-4").with("eventTime", "yesterday"),
		good.with("eventId", "odd-5").with("resourceName", []string{"a"}).with("resourceType", nil),
		good.with("eventId", "odd-6").with("recipientAccountId", "../../root"),
		good.with("eventId", "odd-7\xff\x00").with("eventName", strings.Repeat("long ", 1000)),
	}
	w.put(0, odd...)
	w.put(0, good)
	w.Put(0, (&sls.LogGroup{Logs: []sls.Entry{{Time: time.Now(), Contents: []sls.KV{{Key: "other", Value: "{}"}}}, {Time: time.Now()}}}).Append(nil))
	r := w.drain()
	if want := int64(len(bad) + len(odd) + 3); r.In != want || r.Quarantined != int64(len(bad)) || r.EventsOut != int64(len(odd)+1) || r.FilteredBy["no_event"] != 2 {
		t.Errorf("%+v", r)
	}
	held := map[string]int{}
	for _, rec := range w.records() {
		held[string(rec.Record)]++
		if rec.Code != "not_json" {
			t.Errorf("code %s of %q", rec.Code, rec.Record)
		}
	}
	for _, text := range bad {
		if held[text] != 1 {
			t.Errorf("%q is in quarantine %d times", text, held[text])
		}
	}
	rows := w.byID()
	want(t, rows["odd-1/1"], map[string]string{"tagStatus": "found", "accountId": "", "userName": ""})
	want(t, rows["4711/1"], map[string]string{"tag_project": "alpha"})
	want(t, rows["odd-3/1"], map[string]string{"tag_project": "alpha"})
	want(t, rows["odd-4/1"], map[string]string{"tag_project": "alpha", "eventTime": "yesterday"})
	want(t, rows["odd-5/0"], map[string]string{"tagStatus": "none"})
	want(t, rows["odd-6/1"], map[string]string{"tagStatus": "unsupported"})
	want(t, rows["odd-7\ufffd\x00/1"], map[string]string{"tag_project": "alpha"})
	want(t, rows[good["eventId"].(string)+"/1"], map[string]string{"tag_project": "alpha"})
}

// A row that SLS refuses for what it holds is set aside alone, and can be written
// again once SLS takes it.
func TestRefusedRows(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 1, MaxKeyBytes: 100}, cloud.Options{}, nil)
	w.create(member, instance, "i-a", map[string]string{"project": "alpha"})
	w.create(member, instance, "i-long", map[string]string{strings.Repeat("k", 110): "v", "project": "beta"})
	huge := w.write("StopInstance", member, instance, "i-a").with("eventName", strings.Repeat("x", 1<<20+1))
	two := w.write("StopInstances", member, instance, "i-a", "i-long", "i-a")
	var good []event
	for range 200 {
		good = append(good, w.write("StopInstance", member, instance, "i-a"))
	}
	w.put(0, good[:100]...)
	w.put(0, huge, two)
	w.put(0, good[100:]...)
	r := w.drain()
	if r.In != 202 || r.EventsOut != 200 || r.Quarantined != 2 || r.RowsQuarantined != 2 || r.Out != 202 {
		t.Errorf("%+v", r)
	}
	held := w.Quarantined()
	if len(held) != 2 {
		t.Errorf("in quarantine: %v", held)
	}
	list, err := w.function().Verify(context.Background(), time.Time{}, time.Time{})
	if err != nil || len(list) != 1 || len(list[0].Findings) != 1 || list[0].Findings[0].Kind != receipt.Quarantined || !strings.Contains(list[0].Findings[0].Detail, "1 more") {
		t.Errorf("%v: %+v", err, list)
	}
	done, err := w.function().Replay(t.Context())
	if err != nil || done.Accepted != 0 || len(done.Kept) != 2 {
		t.Errorf("refused again: %v, %+v", err, done)
	}
	w.target.LimitKeys(0)
	done, err = w.function().Replay(t.Context())
	if err != nil || done.Accepted != 1 || done.Objects != 1 || len(done.Kept) != 1 {
		t.Errorf("taken now: %v, %+v", err, done)
	}
	want(t, w.byID()[two["eventId"].(string)+"/2"], map[string]string{"resourceName": "i-long", "tag_project": "beta", "tag_" + strings.Repeat("k", 110): "v", "resourceCount": "3"})
}

// A row that an operator has accepted as lost is not missing.
func TestAcceptedRows(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 1}, cloud.Options{}, nil)
	w.put(0, w.write("CreateUser", member, ""), w.write("CreateUser", member, "").with("eventName", strings.Repeat("x", 1<<20+1)))
	w.drain()
	f := w.function()
	for _, want := range []int{1, 0} {
		list, err := f.Verify(t.Context(), time.Time{}, time.Time{})
		if err != nil || len(list) != 1 || len(list[0].Findings) != want {
			t.Errorf("%v: %+v", err, list)
		}
		if err := f.Quarantine().Accept(t.Context(), func(quarantine.Record) bool { return true }, func(quarantine.Acceptance) {}); err != nil {
			t.Fatal(err)
		}
	}
}

// Times that SLS refuses do not keep an event out.
func TestTimes(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 1}, cloud.Options{}, nil)
	now := time.Now()
	at := func(d time.Duration) event {
		return w.write("CreateUser", member, "").with("eventTime", now.Add(d).UTC().Format(time.RFC3339))
	}
	old, ahead, week, soon := at(-10*24*time.Hour), at(time.Hour), at(-6*24*time.Hour), at(10*time.Minute)
	w.put(0, old, ahead, week, soon)
	r := w.drain()
	if r.Retimed != 2 || r.Out != 4 || r.Quarantined != 0 {
		t.Errorf("%+v", r)
	}
	rows := w.byID()
	for _, tc := range []struct {
		e       event
		retimed bool
	}{{old, true}, {ahead, true}, {week, false}, {soon, false}} {
		row := rows[tc.e["eventId"].(string)+"/0"]
		want(t, row, map[string]string{"eventTime": tc.e["eventTime"].(string)})
		own, err := time.Parse(time.RFC3339, tc.e["eventTime"].(string))
		if err != nil {
			t.Fatal(err)
		}
		var seconds int64
		if _, err := fmt.Sscan(row["__time__"], &seconds); err != nil {
			t.Fatal(err)
		}
		if got := seconds == own.Unix(); got == tc.retimed {
			t.Errorf("the event of %v is written with %v", own, time.Unix(seconds, 0))
		}
	}
}

// The function's own lookups make no rows, and nobody hides behind that.
func TestOwnCalls(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 1}, cloud.Options{}, map[string]string{"ONLY_WRITES": "false"})
	own := map[string]bool{}
	w.Durable = func(_ string, l *sdk.Log) bool {
		var e event
		return json.Unmarshal([]byte(l.Contents[0].GetValue()), &e) == nil && (own[e["eventId"].(string)] || w.rowsOf(e["eventId"].(string)) > 0)
	}
	identity := func(kind, key, user string) map[string]any {
		return map[string]any{"accountId": member, "type": kind, "accessKeyId": key, "principalId": "3" + strings.TrimPrefix(user, "role"), "userName": user}
	}
	dropped := []event{
		w.write("ListTagResources", member, "").with("eventRW", "Read").with("userIdentity", identity("ram-user", "lookup-key", "tags")),
		w.write("AssumeRole", admin, "").with("userIdentity", identity("ram-user", "lookup-key", "tags")),
		w.write("GetCallerIdentity", admin, "").with("userIdentity", identity("ram-user", "lookup-key", "tags")),
		w.write("ListTagResources", member, "").with("eventRW", "Read").with("userIdentity", identity("assumed-role", "STS.x", "role:siemfeed-trailtags")),
	}
	others := []event{
		w.write("ListTagResources", member, "").with("eventRW", "Read").with("userIdentity", identity("ram-user", "LTAI-bob", "bob")),
		w.write("ListTagResources", member, "").with("eventRW", "Read").with("userIdentity", identity("assumed-role", "STS.y", "role:bob")),
		w.write("ListTagResources", member, "").with("eventRW", "Read").with("userIdentity", identity("ram-user", "LTAI-z", "x:siemfeed-trailtags")),
		w.write("DeleteInstance", member, "").with("userIdentity", identity("assumed-role", "STS.x", "role:siemfeed-trailtags")),
		w.write("DeleteUser", admin, "").with("userIdentity", identity("ram-user", "lookup-key", "tags")),
	}
	for _, e := range dropped {
		own[e["eventId"].(string)] = true
	}
	w.put(0, dropped...)
	w.put(0, others...)
	r := w.drain()
	if r.FilteredBy["own_calls"] != int64(len(dropped)) || r.EventsOut != int64(len(others)) {
		t.Errorf("%+v", r)
	}
	rows := w.byID()
	for _, e := range others {
		want(t, rows[e["eventId"].(string)+"/0"], map[string]string{"eventName": e["eventName"].(string)})
	}
}

// Events that only read go no further; one that does not say may have changed
// something.
func TestReads(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 1}, cloud.Options{}, nil)
	w.Durable = nothingGuarded
	base := w.write("ListUsers", member, "")
	for i, rw := range []any{"Read", "read", "Write", "", nil, 7} {
		w.put(0, base.with("eventId", fmt.Sprint(i)).with("eventRW", rw))
	}
	silent := base.with("eventId", "6")
	delete(silent, "eventRW")
	w.put(0, silent)
	r := w.drain()
	rows := w.byID()
	if r.FilteredBy["reads"] != 2 || len(rows) != 5 {
		t.Errorf("%+v, %v", r, rows)
	}
	for id := 2; id <= 6; id++ {
		want(t, rows[fmt.Sprint(id, "/0")], map[string]string{"eventName": "ListUsers"})
	}
}

// The service's own filter takes the load of reads off the function.
func TestFilterOnTheServer(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 1}, cloud.Options{}, map[string]string{"SLS_QUERY": "* | where kind = 'write'"})
	log := func(kind string, e event) sls.Entry {
		return sls.Entry{Time: time.Now(), Contents: []sls.KV{{Key: "event", Value: e.text()}, {Key: "kind", Value: kind}}}
	}
	kept := w.write("CreateUser", member, "")
	w.Put(0, (&sls.LogGroup{Logs: []sls.Entry{log("read", w.write("ListUsers", member, "").with("eventRW", "Read")), log("write", kept)}}).Append(nil))
	r := w.drain()
	if r.In != 1 || r.EventsOut != 1 || w.rowsOf(kept["eventId"].(string)) != 1 {
		t.Errorf("%+v", r)
	}
}
