package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/functions/trailtags"
	cloud "github.com/siemfeed/siemfeed/pkg/emulator/alibaba"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/serve"
)

// trail is an emulated organisation: three accounts with resources, and the events
// of them in a logstore.
type trail struct {
	sls    *emulator.Server
	target *emulator.Logstore
	cloud  *cloud.Server
	gen    *emulator.Generator
	n      int
}

var trailAccounts = []string{"1000000000000001", "1000000000000002", "1000000000000003"}

const (
	trailResources = 2000 // of each account
	trailInstance  = "ACS::ECS::Instance"
)

func newTrail() (t *trail, api string) {
	t = &trail{sls: emulator.New(emulator.Options{Shards: 2, MaxPullBytes: 1 << 20}).Start(), cloud: cloud.New(cloud.Options{Latency: 5 * time.Millisecond}), gen: emulator.NewGenerator(1)}
	t.target = t.sls.AddLogstore("security", "tagged", 2)
	t.target.SetIndex(false, "eventName", "userName", "resourceName", "tagStatus", "tag_project")
	projects := []string{"payments", "search", "platform", "data"}
	for a, account := range trailAccounts {
		made := t.cloud.AddAccount(account)
		for i := range trailResources {
			made.Create(cloud.Resource{Region: "cn-hangzhou", Type: trailInstance, ID: trailID(a, i)}, map[string]string{"project": projects[i%len(projects)]})
		}
	}
	return t, t.cloud.Start()
}

func trailID(account, i int) string { return fmt.Sprintf("i-%d%05d", account, i) }

// fill adds groups of events to each shard.
func (t *trail) fill(groups, events int) {
	for range groups {
		for shard := range 2 {
			t.sls.Logstore().Append(shard, t.gen.TrailOf(events, func(e map[string]any) {
				a := t.n % len(trailAccounts)
				e["recipientAccountId"] = trailAccounts[a]
				e["resourceType"], e["resourceName"] = trailInstance, trailID(a, t.n/len(trailAccounts)%trailResources)
				t.n++
			}))
		}
	}
}

// last adds one event of an instance.
func (t *trail) last(name string) {
	t.sls.Logstore().Append(0, t.gen.TrailOf(1, func(e map[string]any) {
		e["eventName"], e["recipientAccountId"], e["resourceType"], e["resourceName"] = name, trailAccounts[1], trailInstance, trailID(1, 7)
		e["eventTime"] = time.Now().UTC().Format(time.RFC3339)
	}))
}

// rows reads the target.
func (t *trail) rows() (out []map[string]string) {
	ids, _ := t.target.ShardIDs()
	for _, id := range ids {
		for _, g := range t.target.Groups(id) {
			for _, l := range g.Logs {
				row := map[string]string{}
				for _, kv := range l.Contents {
					row[kv.GetKey()] = kv.GetValue()
				}
				out = append(out, row)
			}
		}
	}
	return out
}

// demoTrailtags adds tags to the events of three accounts, is killed half-way, goes
// on, tells the tags of an instance that is gone, and proves that each event is in
// the target.
func demoTrailtags(ctx context.Context, dir string) error {
	const groups, events = 250, 100
	heading("trailtags: ActionTrail events → the same with the tags of what they touched")
	t, api := newTrail()
	defer t.sls.Close()
	defer t.cloud.Close()
	t.fill(groups, events)
	u, err := url.Parse(t.sls.URL())
	if err != nil {
		return err
	}
	dir = filepath.Join(dir, "trailtags")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	env := map[string]string{
		"SLS_ENDPOINT": u.Host, "SLS_AK_ID": "ak", "SLS_AK_KEY": "secret",
		"SLS_PROJECT": "project", "SLS_LOGSTORE": "logstore", "SLS_CG": "demo", "SLS_START": "begin", "SLS_GROUP_TIMEOUT": "5s", "SLS_HEARTBEAT": "500ms",
		"SLS_TARGET_PROJECT": "security", "SLS_TARGET_LOGSTORE": "tagged",
		"ADMIN_ACCOUNT_ID": trailAccounts[0], "RESOURCE_AK_ID": "ak", "RESOURCE_AK_KEY": "secret",
		"STS_ENDPOINT": api, "TAG_ENDPOINT": api, "ECS_ENDPOINT": api, "SLB_ENDPOINT": api,
		"LEASE_TTL": "5s", "STATE_URL": demoState(dir),
	}
	say("an emulated logstore holds %s events of %d accounts with %s instances", count(int64(t.n)), len(trailAccounts), count(int64(len(trailAccounts)*trailResources)))

	fn, err := startFunction(ctx, "trailtags", dir, env)
	if err != nil {
		return err
	}
	say("trigger, and kill -9 the function half-way:")
	var r trailtags.Receipt
	err = fn.interrupt(ctx, struct{}{}, func() bool {
		return t.sls.Calls()["PutLogs"] >= 15 // of about 30
	})
	if err != nil {
		return err
	}
	before := t.cloud.Count("ListTagResources") + t.cloud.Count("AssumeRole")
	say("killed: %s rows were written", count(int64(len(t.rows()))))

	if fn, err = startFunction(ctx, "trailtags", dir, env); err != nil {
		return err
	}
	defer func() { _ = fn.kill() }()
	lines := [][]string{{"RUN", "STATUS", "IN", "EVENTS OUT", "ROWS", "TAGS", "API CALLS", "TIME"}}
	step := func(name string) error {
		if err := tickTrailtags(ctx, fn, &r); err != nil {
			return err
		}
		calls := t.cloud.Count("ListTagResources") + t.cloud.Count("AssumeRole")
		lines = append(lines, []string{
			name, string(r.Status), count(r.In), count(r.EventsOut), count(r.Out), counted(r.TagStatus), count(int64(calls - before)), r.FinishedAt.Sub(r.StartedAt).Round(time.Millisecond).String(),
		})
		before = calls
		return nil
	}
	if err := step("started again"); err != nil {
		return err
	}
	t.last("StopInstance")
	t.cloud.AddAccount(trailAccounts[1]).Delete(cloud.Resource{Region: "cn-hangzhou", Type: trailInstance, ID: trailID(1, 7)})
	t.last("DeleteInstance")
	if err := step("an instance was deleted"); err != nil {
		return err
	}
	table(os.Stdout, lines)
	if err := proveTrailtags(ctx, env, t); err != nil {
		return err
	}
	return fn.prove(ctx, time.Now())
}

// tickTrailtags triggers a run, once the lease of a killed one is over.
func tickTrailtags(ctx context.Context, fn *process, r *trailtags.Receipt) error {
	for {
		*r = trailtags.Receipt{}
		if err := fn.trigger(ctx, struct{}{}, r); err != nil || r.Status != receipt.Busy {
			return err
		}
		if err := retry.Sleep(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

// counted writes counts by name, the greatest first.
func counted(of map[string]int64) string {
	var text []string
	for _, k := range slices.SortedFunc(maps.Keys(of), func(a, b string) int { return cmp.Compare(of[b], of[a]) }) {
		text = append(text, k+" "+count(of[k]))
	}
	return strings.Join(text, ", ")
}

// proveTrailtags asks who touched a project, and has each event looked for.
func proveTrailtags(ctx context.Context, env map[string]string, t *trail) error {
	who, rows := map[string]int64{}, map[string]int{}
	twice := 0
	for _, row := range t.rows() {
		if rows[row["eventId"]+row["resourceIndex"]]++; rows[row["eventId"]+row["resourceIndex"]] > 1 {
			twice++
			continue
		}
		if row["tag_project"] == "payments" {
			who[row["userName"]]++
		}
		if row["eventName"] == "DeleteInstance" {
			say("the deleted instance is told as it was: project %s, tagStatus %s", row["tag_project"], row["tagStatus"])
		}
	}
	say("who touched project payments? %s", counted(who))
	rt, err := serve.NewRuntime(ctx, envconfig.MapLookuper(map[string]string{"LOG_LEVEL": "error"}), "trailtags", serve.OnStderr)
	if err != nil {
		return err
	}
	f, err := trailtags.Open(ctx, envconfig.MapLookuper(env), rt)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	say("did everything arrive?")
	list, err := f.Verify(ctx, time.Time{}, time.Time{})
	if err != nil {
		return err
	}
	say("%s rows are there twice, through the kill, equal in eventId and resourceIndex; apart from them:", count(int64(twice)))
	for i := range list {
		list[i].Findings = slices.DeleteFunc(list[i].Findings, func(x receipt.Finding) bool { return x.Kind == receipt.Doubled })
	}
	a := shardsVerified("trailtags", list)
	a.text(os.Stdout)
	if a.found() {
		return errors.New("events are missing")
	}
	return nil
}
