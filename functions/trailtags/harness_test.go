package trailtags_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	sdk "github.com/aliyun/aliyun-log-go-sdk"
	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/functions/trailtags"
	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/config"
	cloud "github.com/siemfeed/siemfeed/pkg/emulator/alibaba"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/sls"
	"github.com/siemfeed/siemfeed/pkg/sls/consume"
	"github.com/siemfeed/siemfeed/pkg/sls/consume/consumetest"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

const (
	secret = consumetest.Secret
	admin  = "1000000000000001" // the management account
	member = "1000000000000002"
	third  = "1000000000000003"
)

// world is a source and a target in an emulated Log Service, and a cloud whose
// resources have tags.
type world struct {
	*consumetest.World
	t      testing.TB
	target *emulator.Logstore
	cloud  *cloud.Server

	mu    sync.Mutex
	next  int
	seen  map[int]int64  // cursor up to which the target was read, by shard
	count map[string]int // rows in the target, by event and number
}

func newWorld(t testing.TB, o emulator.Options, c cloud.Options, env map[string]string) *world {
	t.Helper()
	c.AccessKeyID, c.AccessKeySecret, c.Account = "lookup-key", "lookup-"+secret, admin
	w := &world{World: consumetest.New(t, "trailtags", o, env), t: t, cloud: cloud.New(c), seen: map[int]int64{}, count: map[string]int{}}
	t.Cleanup(w.cloud.Close)
	w.target = w.SLS.AddLogstore("security", "tagged", 2)
	api := w.cloud.Start()
	for k, v := range map[string]string{
		"SLS_TARGET_PROJECT": "security", "SLS_TARGET_LOGSTORE": "tagged",
		"ADMIN_ACCOUNT_ID": admin, "RESOURCE_AK_ID": "lookup-key", "RESOURCE_AK_KEY": "lookup-" + secret,
		"STS_ENDPOINT": api, "TAG_ENDPOINT": api, "ECS_ENDPOINT": api, "SLB_ENDPOINT": api,
	} {
		if _, given := env[k]; !given {
			w.Env[k] = v
		}
	}
	for _, id := range []string{member, third} {
		w.cloud.AddAccount(id)
	}
	w.Durable = w.durable
	t.Cleanup(func() { w.WantNoSecret(nil) })
	return w
}

// durable tells whether all rows of an event are in the target, or it makes none.
func (w *world) durable(_ string, l *sdk.Log) bool {
	if len(l.Contents) == 0 || l.Contents[0].GetKey() != "event" {
		return true
	}
	var e event
	if json.Unmarshal([]byte(l.Contents[0].GetValue()), &e) != nil {
		return false
	}
	if e["eventRW"] != "Write" {
		return true
	}
	return w.rowsOf(fmt.Sprint(e["eventId"])) > 0
}

// rowsOf counts the rows of an event in the target, or some of them.
func (w *world) rowsOf(eventID string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := w.count[eventID]; n > 0 {
		return n
	}
	ids, _ := w.target.ShardIDs()
	for _, id := range ids {
		first, end := w.target.Range(id)
		if end == w.seen[id] {
			continue
		}
		groups := w.target.Groups(id)
		for _, g := range groups[max(0, w.seen[id]-first):] {
			for _, l := range g.Logs {
				w.count[fields(l)["eventId"]]++
			}
		}
		w.seen[id] = first + int64(len(groups))
	}
	return w.count[eventID]
}

func (w *world) config() trailtags.Config {
	w.t.Helper()
	var cfg trailtags.Config
	if err := config.Load(context.Background(), envconfig.MapLookuper(w.Env), &cfg); err != nil {
		w.t.Fatal(err)
	}
	return cfg
}

// quick makes retries of tests soon.
var quick = retry.Policy{Attempts: 8, Base: time.Millisecond, Max: 20 * time.Millisecond}

func (w *world) function() *trailtags.Function {
	w.t.Helper()
	f, err := trailtags.Build(context.Background(), w.config(), quick, w.Runtime())
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = f.Close() })
	return f
}

// repeating is a function whose rows may be in the target twice.
type repeating struct{ *trailtags.Function }

// Verify leaves out what was found twice.
func (f repeating) Verify(ctx context.Context, from, to time.Time) ([]consume.Verified, error) {
	list, err := f.Function.Verify(ctx, from, to)
	for i := range list {
		list[i].Findings = slices.DeleteFunc(list[i].Findings, func(x receipt.Finding) bool { return x.Kind == receipt.Doubled })
	}
	return list, err
}

// tick drains in a process of its own, as it were.
func (w *world) tick() (*trailtags.Receipt, error) {
	w.t.Helper()
	f, err := trailtags.Build(context.Background(), w.config(), quick, w.Runtime())
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	r, err := f.Run(w.t.Context(), trigger.Event{Kind: trigger.Tick})
	full, _ := r.(*trailtags.Receipt)
	return full, err
}

// drain ticks and wants all to be done.
func (w *world) drain() *trailtags.Receipt {
	w.t.Helper()
	r, err := w.tick()
	if err != nil || r.Status != receipt.OK {
		w.t.Fatalf("%v: %+v", err, r)
	}
	return r
}

// event is an event of a trail, for tests.
type event map[string]any

// write makes an event that changes something.
func (w *world) write(name, account, kind string, ids ...string) event {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next++
	e := event{
		"eventId": fmt.Sprintf("event-%06d", w.next), "eventName": name, "eventRW": "Write", "eventSource": "ecs.aliyuncs.com",
		"eventTime": time.Now().UTC().Format(time.RFC3339), "eventType": "ApiCall", "eventVersion": 1, "acsRegion": "cn-hangzhou", "serviceName": "Ecs",
		"recipientAccountId": account, "requestParameters": map[string]any{"a": []int{1}},
		"userIdentity": map[string]any{"accountId": account, "principalId": "2015", "type": "ram-user", "userName": "alice", "accessKeyId": "LTAI-alice"},
	}
	if len(ids) > 0 {
		e["resourceType"], e["resourceName"] = kind, strings.Join(ids, ",")
	}
	return e
}

func parse(t testing.TB, text string) (e event) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		t.Fatal(err)
	}
	return e
}

func (e event) with(key string, value any) event {
	e = maps.Clone(e)
	e[key] = value
	return e
}

func (e event) text() string {
	b, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// put appends events to a shard, as one group.
func (w *world) put(shard int, events ...event) {
	w.t.Helper()
	texts := make([]string, len(events))
	for i, e := range events {
		texts[i] = e.text()
	}
	w.putText(shard, texts...)
}

// putAt is put as if received at t.
func (w *world) putAt(t time.Time, shard int, e event) {
	g := sls.LogGroup{Logs: []sls.Entry{{Time: t, Contents: []sls.KV{{Key: "event", Value: e.text()}}}}}
	w.PutAt(t, shard, g.Append(nil))
}

// isPut picks the requests that write logs.
func isPut(r *http.Request) bool {
	return r.Method == http.MethodPost && !strings.Contains(r.URL.Path, "consumergroups")
}

func (w *world) putText(shard int, texts ...string) {
	g := sls.LogGroup{Topic: "actiontrail_audit_event"}
	for _, text := range texts {
		g.Logs = append(g.Logs, sls.Entry{Time: time.Now(), Contents: []sls.KV{{Key: "event", Value: text}}})
	}
	w.Put(shard, g.Append(nil))
}

const (
	instance = "ACS::ECS::Instance"
	balancer = "ACS::SLB::LoadBalancer"
	database = "ACS::RDS::DBInstance"
)

// create makes a resource in the cloud.
func (w *world) create(account, kind, id string, tags map[string]string) cloud.Resource {
	r := cloud.Resource{Region: "cn-hangzhou", Type: kind, ID: id}
	w.cloud.AddAccount(account).Create(r, tags)
	return r
}

// out lists the rows in the target.
func (w *world) out() (rows []map[string]string) {
	ids, _ := w.target.ShardIDs()
	for _, id := range ids {
		for _, g := range w.target.Groups(id) {
			for _, l := range g.Logs {
				rows = append(rows, fields(l))
			}
		}
	}
	return rows
}

func fields(l *sdk.Log) map[string]string {
	m := map[string]string{"__time__": fmt.Sprint(l.GetTime())}
	for _, kv := range l.Contents {
		if _, twice := m[kv.GetKey()]; twice {
			panic("the field " + kv.GetKey() + " occurs twice")
		}
		m[kv.GetKey()] = kv.GetValue()
	}
	return m
}

// byID has the rows by event and number of the resource; it fails the test where
// two differ in more than nothing.
func (w *world) byID() map[string]map[string]string {
	w.t.Helper()
	m := map[string]map[string]string{}
	for _, r := range w.out() {
		m[r["eventId"]+"/"+r["resourceIndex"]] = r
	}
	return m
}

// records returns the records in quarantine.
func (w *world) records() (out []quarantine.Record) {
	w.t.Helper()
	u, err := bucket.Sub(w.Env["STATE_URL"], "quarantine")
	if err != nil {
		w.t.Fatal(err)
	}
	q := quarantine.New(w.Open(u), "trailtags")
	for obj, err := range q.Pending(context.Background()) {
		if err != nil {
			w.t.Fatal(err)
		}
		for rec, err := range q.Read(context.Background(), obj.Name) {
			if err != nil {
				w.t.Fatal(err)
			}
			out = append(out, rec)
		}
	}
	return out
}
