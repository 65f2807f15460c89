package trailtags_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	sdk "github.com/aliyun/aliyun-log-go-sdk"

	"github.com/siemfeed/siemfeed/functions/trailtags"
	cloud "github.com/siemfeed/siemfeed/pkg/emulator/alibaba"
	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// problems are the checks that fail, by name.
func problems(f *trailtags.Function) map[string]string {
	out := map[string]string{}
	for _, c := range f.Doctor(context.Background()) {
		if !c.OK() {
			out[c.Name] = c.Problem.Error() + "; " + c.Fix
		}
	}
	return out
}

func TestDoctor(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 2}, cloud.Options{}, nil)
	w.create(member, instance, "i-a", nil)
	w.create(admin, database, "rm-a", nil)
	w.put(0, w.write("StopInstance", member, instance, "i-a"), w.write("StopInstance", third, instance, "i-b"))
	w.put(1, w.write("ModifyDBInstance", admin, database, "rm-a"))
	if got := problems(w.function()); len(got) != 1 || !strings.Contains(got["target index"], "no index") {
		t.Errorf("without an index: %v", got)
	}
	w.target.SetIndex(false, "eventName", "userName", "resourceName", "tagStatus")
	if got := problems(w.function()); len(got) != 1 || !strings.Contains(got["target index"], "any tag") {
		t.Errorf("without an index of tags: %v", got)
	}
	w.target.SetIndex(false, "eventName", "userName", "resourceName", "tagStatus", "tag_project")
	if got := problems(w.function()); len(got) != 0 {
		t.Errorf("all is well, and yet %v", got)
	}
	w.Env["ADMIN_ACCOUNT_ID"] = third
	if got := problems(w.function())["key of tag lookups"]; !strings.Contains(got, "of account "+admin+", not of "+third) || !strings.Contains(got, "ADMIN_ACCOUNT_ID") {
		t.Errorf("the key of another account: %v", got)
	}
	w.Env["ADMIN_ACCOUNT_ID"] = admin
	w.cloud.AddAccount(third).Trust(false)
	w.cloud.AddAccount(member).Deny("ecs:ListTagResources")
	got := problems(w.function())
	if len(got) != 2 || !strings.Contains(got["tags in account "+third], "must trust account "+admin) || !strings.Contains(got["tags in account "+member], "ecs:ListTagResources") {
		t.Errorf("one account does not trust, one denies: %v", got)
	}
	w.SLS.Faults.Next(fault.Error401, isPut)
	if got := problems(w.function()); !strings.Contains(got["target write"], "log:PostLogStoreLogs") {
		t.Errorf("the target may not be written to: %v", got)
	}
	w.Env["SLS_TARGET_LOGSTORE"] = "none"
	if got := problems(w.function()); !strings.Contains(got["target"], "SLS_TARGET_LOGSTORE") {
		t.Errorf("there is no target: %v", got)
	}
	if n := len(w.out()); n != 0 {
		t.Errorf("the doctor has written %d rows", n)
	}
}

// What is not in the target is found, by name, however the receipts say it is.
func TestVerifyFindsWhatIsMissing(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 1}, cloud.Options{}, nil)
	w.create(member, instance, "i-a", map[string]string{"project": "alpha"})
	lost := w.write("StopInstances", member, instance, "i-a", "i-b")
	kept := w.write("StopInstance", member, instance, "i-a")
	w.put(0, lost)
	w.drain()
	ids, _ := w.target.ShardIDs()
	for _, id := range ids { // as if it had never arrived
		w.target.Expire(id, len(w.target.Groups(id)))
	}
	w.put(0, kept)
	w.drain()
	list, err := w.function().Verify(t.Context(), time.Time{}, time.Time{})
	if err != nil || len(list) != 1 || len(list[0].Findings) != 1 {
		t.Fatalf("%v: %+v", err, list)
	}
	if f := list[0].Findings[0]; f.Kind != receipt.Missing || !strings.Contains(f.Detail, lost["eventId"].(string)+" 1, and 1 more") {
		t.Errorf("%+v", f)
	}
	v := receipt.NewVerified()
	if err := w.function().Proof().Check(t.Context(), time.Time{}, time.Time{}, &v); err != nil || v.Findings != 1 {
		t.Errorf("when a trigger asks: %v, %+v", err, v)
	}
}

// A row that says something else than its event does is named, and so is one
// whose tags were taken out; what an event does not decide is not looked at.
func TestVerifyFindsWhatIsAltered(t *testing.T) {
	remove := func(fields map[string]string, field string) { delete(fields, field) }
	set := func(value string) func(map[string]string, string) {
		return func(fields map[string]string, field string) { fields[field] = value }
	}
	w := newWorld(t, emulator.Options{Shards: 1}, cloud.Options{}, nil)
	w.Durable = nothingGuarded // not all events have an id
	w.create(member, instance, "i-a", map[string]string{"project": "alpha"})
	kept, touched := w.write("StopInstance", member, instance, "i-a"), w.write("StopInstance", member, instance, "i-a")
	w.put(0, kept, touched, touched.with("eventId", nil), kept.with("eventId", nil).with("eventName", "StartInstance"))
	w.drain()
	rows := w.out()
	f := w.function()
	for field, tc := range map[string]struct {
		alter func(fields map[string]string, field string)
		found bool
	}{
		"userName": {set("mallory"), true}, "eventTime": {set("2020-01-01T00:00:00Z"), true}, "eventName": {remove, true}, "principalId": {set(""), true},
		"resourceName": {set("i-z"), true}, "resourceType": {set(database), true}, "resourceCount": {set("2"), true},
		"tagStatus": {remove, true}, "tag_project": {remove, true}, "__tag__:x": {set("y"), false},
	} {
		altered := make([]map[string]string, len(rows))
		for i, row := range rows {
			altered[i] = maps.Clone(row)
			if row["eventId"] == touched["eventId"] {
				tc.alter(altered[i], field)
			}
		}
		w.replaceRows(altered)
		list, err := f.Verify(t.Context(), time.Time{}, time.Time{})
		if err != nil || len(list) != 1 {
			t.Fatal(err, list)
		}
		switch f := list[0].Findings; {
		case !tc.found && len(f) == 0:
		case tc.found && len(f) == 1 && f[0].Kind == receipt.Altered && strings.HasSuffix(f[0].Detail, " "+touched["eventId"].(string)+" 1"):
		default:
			t.Errorf("%s: %+v", field, f)
		}
	}
}

// replaceRows has the target hold these, and no others.
func (w *world) replaceRows(rows []map[string]string) {
	ids, _ := w.target.ShardIDs()
	for _, id := range ids {
		w.target.Expire(id, len(w.target.Groups(id)))
	}
	for _, row := range rows {
		entry := sls.Entry{Time: time.Now()}
		for _, key := range slices.Sorted(maps.Keys(row)) {
			if key != "__time__" {
				entry.Contents = append(entry.Contents, sls.KV{Key: key, Value: row[key]})
			}
		}
		w.target.Append(ids[0], (&sls.LogGroup{Logs: []sls.Entry{entry}}).Append(nil))
	}
}

// What the target keeps no longer is not said to be missing: it may keep rows for
// less time than the source keeps events.
func TestVerifyOfWhatHasExpired(t *testing.T) {
	for name, tc := range map[string]struct {
		age   time.Duration
		later bool // something is in the target
		kind  string
	}{
		"a week":                     {7 * 24 * time.Hour, true, receipt.Unknown},
		"a week, of an empty target": {7 * 24 * time.Hour, false, receipt.Unknown},
		"an hour":                    {time.Hour, true, receipt.Missing},
	} {
		w := newWorld(t, emulator.Options{Shards: 1}, cloud.Options{}, nil)
		e := w.write("CreateUser", member, "")
		w.putAt(time.Now().Add(-tc.age), 0, e)
		w.drain()
		later := w.out()[0]
		later["eventId"] = "later"
		w.replaceRows(nil)
		if tc.later {
			w.replaceRows([]map[string]string{later})
		}
		list, err := w.function().Verify(t.Context(), time.Time{}, time.Time{})
		if err != nil || len(list) != 1 || len(list[0].Findings) != 1 || list[0].Findings[0].Kind != tc.kind || !strings.Contains(list[0].Findings[0].Detail, e["eventId"].(string)) {
			t.Errorf("%s: %v: %+v", name, err, list)
		}
	}
}

// Rows of a version to which a call that sets tags named nothing are its rows.
func TestVerifyOfAnEarlierVersion(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 1}, cloud.Options{}, nil)
	e := w.write("TagResources", member, "").with("requestParameters", map[string]any{"ResourceType": "instance", "ResourceId.1": "i-a", "ResourceId.2": "i-b"})
	w.put(0, e)
	w.drain()
	row := w.byID()[e["eventId"].(string)+"/1"]
	w.replaceRows(nil)
	check := func(want int) {
		t.Helper()
		list, err := w.function().Verify(t.Context(), time.Time{}, time.Time{})
		if err != nil || len(list) != 1 || len(list[0].Findings) != want {
			t.Errorf("%v: %+v", err, list)
		}
	}
	row["resourceType"] = "ACS::Ecs::instance" // as another version may write it
	second := maps.Clone(row)
	second["resourceIndex"], second["resourceName"] = "2", "i-b"
	w.replaceRows([]map[string]string{row, second})
	check(0)
	w.replaceRows(nil)
	check(1)
	row["resourceIndex"], row["resourceCount"], row["resourceType"], row["resourceName"], row["tagStatus"] = "0", "0", "", "", "none"
	w.replaceRows([]map[string]string{row})
	check(0)
}

// Nobody looks for what was not to be carried.
func TestVerifyLooksForWhatWasRead(t *testing.T) {
	for name, env := range map[string]map[string]string{
		"topics": {"SLS_TOPICS": "actiontrail_audit_event"}, "query": {"SLS_QUERY": "* | where kind = 'kept'"}, "services": {"SERVICES": "Ecs"},
	} {
		w := newWorld(t, emulator.Options{Shards: 1}, cloud.Options{}, env)
		w.Durable = func(string, *sdk.Log) bool { return true } // that is looked at below
		log := func(topic, kind string, e event) []byte {
			g := sls.LogGroup{Topic: topic, Logs: []sls.Entry{{Time: time.Now(), Contents: []sls.KV{{Key: "event", Value: e.text()}, {Key: "kind", Value: kind}}}}}
			return g.Append(nil)
		}
		w.Put(0, log("actiontrail_audit_event", "kept", w.write("CreateUser", member, "")), log("other", "left", w.write("CreateUser", member, "").with("serviceName", "Ram")))
		if r := w.drain(); r.EventsOut != 1 {
			t.Errorf("%s: %+v", name, r)
		}
		list, err := w.function().Verify(t.Context(), time.Time{}, time.Time{})
		if err != nil || len(list) != 1 || len(list[0].Findings) != 0 {
			t.Errorf("%s: %v: %+v", name, err, list)
		}
	}
}

func TestBackfill(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 2}, cloud.Options{}, map[string]string{"SLS_START": "end"})
	w.create(member, instance, "i-a", map[string]string{"project": "alpha"})
	old := w.write("StopInstance", member, instance, "i-a")
	w.putAt(time.Now().Add(-time.Hour), 0, old)
	var in, out int64
	err := w.function().Backfill(t.Context(), time.Now().Add(-2*time.Hour), time.Now().Add(-time.Minute), func(r receipt.Receipt) {
		full := r.(*trailtags.Receipt)
		in, out = in+full.In, out+full.Out
	})
	if err != nil || in != 1 || out != 1 {
		t.Errorf("%v: in %d, out %d", err, in, out)
	}
	want(t, w.byID()[old["eventId"].(string)+"/1"], map[string]string{"tag_project": "alpha"})
}
