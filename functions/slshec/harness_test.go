package slshec_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	sdk "github.com/aliyun/aliyun-log-go-sdk"
	"github.com/gogo/protobuf/proto"
	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/functions/slshec"
	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/config"
	splunk "github.com/siemfeed/siemfeed/pkg/emulator/hec"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/outagetest"
	"github.com/siemfeed/siemfeed/pkg/proctest"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/serve"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

const (
	secret = outagetest.Secret
	token  = "00000000-0000-0000-0000-00000000beef"
	group  = "to-splunk"
)

// world is an emulated logstore, a stand-in for Splunk, and a state bucket.
// Whatever a test does, no checkpoint in it is ever ahead of what Splunk has
// accepted (with acknowledgement: acknowledged) or what lies in quarantine.
type world struct {
	t     testing.TB
	sls   *emulator.Server
	store *emulator.Logstore
	hec   *splunk.Server
	env   map[string]string
	state *bucket.Bucket
	log   proctest.Buffer

	mu     sync.Mutex
	first  map[int]int64            // shard → cursor of the first group there ever was
	groups map[int][]*sdk.LogGroup  // shard → groups, from first on
	passed map[string]map[int]int64 // group → shard → groups known to be done with, as a cursor
	events map[string]splunk.Event  // by id, as accepted last
	refuse func(splunk.Event) int
	inside map[string]string // id → code, in quarantine; read when a checkpoint asks
	filter func(*sdk.LogGroup) bool
	heard  []splunk.Event // in order, of each event its host and shard
}

func newWorld(t testing.TB, o emulator.Options, h splunk.Options, env map[string]string) *world {
	t.Helper()
	o.AccessKeySecret = secret
	w := &world{
		t: t, sls: emulator.New(o).Start(),
		first: map[int]int64{}, groups: map[int][]*sdk.LogGroup{}, passed: map[string]map[int]int64{}, events: map[string]splunk.Event{},
		filter: func(*sdk.LogGroup) bool { return true },
	}
	if h.Tokens == nil {
		h.Tokens = []splunk.Token{{Value: token, UseACK: env["HEC_ACK"] == "true"}}
	}
	h.OnAccept = w.accept
	w.refuse, h.Refuse = h.Refuse, w.refused
	w.hec = splunk.New(h).Start()
	t.Cleanup(w.hec.Close)
	t.Cleanup(w.sls.Close)
	w.store = w.sls.Logstore()
	w.store.OnCheckpoint(w.guard)
	w.env = map[string]string{
		"SLS_ENDPOINT": w.sls.URL(), "SLS_AK_ID": "ak", "SLS_AK_KEY": secret,
		"SLS_PROJECT": "project", "SLS_LOGSTORE": "logstore", "SLS_CG": group, "SLS_START": "begin",
		"HEC_URL": w.hec.URL(), "HEC_TOKEN": token, "HEC_BATCH_BYTES": "65536", "HEC_ACK_POLL": "10ms",
		"STATE_URL": "file://" + t.TempDir(),
	}
	maps.Copy(w.env, env)
	w.state = w.open(w.env["STATE_URL"])
	t.Cleanup(func() {
		for _, v := range w.store.Violations() {
			t.Error(v)
		}
	})
	return w
}

func (w *world) open(url string) *bucket.Bucket {
	w.t.Helper()
	b, err := bucket.Open(context.Background(), url, outagetest.WithKeys())
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = b.Close() })
	return b
}

// put appends encoded groups to a shard, and remembers them.
func (w *world) put(shard int, groups ...[]byte) {
	w.t.Helper()
	w.putAt(time.Now(), shard, groups...)
}

// putAt is put as if received at t.
func (w *world) putAt(t time.Time, shard int, groups ...[]byte) {
	w.t.Helper()
	first, _ := w.store.Range(shard) // not under w.mu: guard takes that while it holds up the store
	w.mu.Lock()
	if _, known := w.first[shard]; !known {
		w.first[shard] = first
	}
	for _, raw := range groups {
		var g sdk.LogGroup
		if err := proto.Unmarshal(raw, &g); err != nil {
			w.t.Fatal(err)
		}
		w.groups[shard] = append(w.groups[shard], &g)
	}
	w.mu.Unlock()
	w.store.AppendAt(t, shard, groups...)
}

// fill puts n groups of logs logs into each shard that takes any.
func (w *world) fill(gen *emulator.Generator, n, logs int) {
	w.t.Helper()
	ids, readOnly := w.store.ShardIDs()
	for range n {
		for _, id := range ids {
			if !readOnly[id] {
				w.put(id, gen.Group(logs))
			}
		}
	}
}

// ids lists the id of every log that is to be forwarded.
func (w *world) ids() map[string]*sdk.Log {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := map[string]*sdk.Log{}
	for shard, groups := range w.groups {
		for i, g := range groups {
			if !w.filter(g) {
				continue
			}
			for j, l := range g.Logs {
				out[fmt.Sprintf("%d:%d:%d", shard, w.first[shard]+int64(i), j)] = l
			}
		}
	}
	return out
}

func (w *world) accept(events []splunk.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range events {
		e.Raw, e.Event = bytes.Clone(e.Raw), bytes.Clone(e.Event)
		w.events[e.ID] = e
		w.heard = append(w.heard, splunk.Event{Host: e.Host, ID: e.ID[:strings.IndexByte(e.ID, ':')]})
	}
}

func (w *world) refused(e splunk.Event) int {
	if w.refuse == nil {
		return 0
	}
	return w.refuse(e)
}

// guard fails the test at a checkpoint that is ahead.
func (w *world) guard(e emulator.CheckpointEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	first, known := w.first[e.Shard]
	if !known {
		return // a shard without logs
	}
	if w.passed[e.Group] == nil {
		w.passed[e.Group] = map[int]int64{}
	}
	if e.Forced { // where the group is to begin
		w.passed[e.Group][e.Shard] = e.Number
		return
	}
	n := max(first, w.passed[e.Group][e.Shard])
	for ; n < min(e.Number, first+int64(len(w.groups[e.Shard]))); n++ {
		g := w.groups[e.Shard][n-first]
		if !w.filter(g) {
			continue
		}
		group := fmt.Sprintf("%d:%d:", e.Shard, n)
		for j := range g.Logs {
			id := group + strconv.Itoa(j)
			ok := w.hec.Accepted(id) > 0
			if ok && w.env["HEC_ACK"] == "true" {
				ok = w.hec.Acked(id)
			}
			if !ok {
				if _, ok = w.inside[id]; !ok {
					w.inside = w.quarantined()
					_, ok = w.inside[id]
				}
			}
			if !ok {
				w.t.Errorf("checkpoint of shard %d at %d, but log %s is neither accepted nor in quarantine", e.Shard, e.Number, id)
				return
			}
		}
	}
	if n > max(first, w.passed[e.Group][e.Shard]) {
		w.wantAnnounced(e)
	}
	w.passed[e.Group][e.Shard] = n
}

// wantAnnounced fails the test at a checkpoint that no receipt accounts for.
func (w *world) wantAnnounced(e emulator.CheckpointEvent) {
	keys, err := w.state.Keys(context.Background(), "slshec/receipts/")
	if err != nil {
		w.t.Error(err)
		return
	}
	slices.Sort(keys)
	for _, key := range slices.Backward(keys) { // most often it is the newest
		var r slshec.Receipt
		if err := w.state.ReadJSON(context.Background(), key, &r); err != nil {
			w.t.Error(err)
			return
		}
		for _, s := range r.Stretches {
			if to, ok := slsCursor(s.To); r.Group == e.Group && s.Shard == e.Shard && ok && to >= e.Number {
				return
			}
		}
	}
	w.t.Errorf("checkpoint of shard %d at %d, and no receipt accounts for it", e.Shard, e.Number)
}

// wantProof checks that a verification finds nothing wrong, and counts each log
// once.
func (w *world) wantProof() {
	w.t.Helper()
	list, err := w.function().Verify(context.Background(), time.Time{}, time.Time{})
	if err != nil {
		w.t.Fatal(err)
	}
	var accounted int64
	for _, v := range list {
		for _, f := range v.Findings {
			w.t.Errorf("%+v", f)
		}
		if v.Receipts != v.Accepted+v.Filtered+v.Quarantined || v.Receipts != v.Held {
			w.t.Errorf("shard %d does not add up: %+v", v.Shard, v)
		}
		accounted += v.Receipts
	}
	total := 0
	for _, groups := range w.groups {
		for _, g := range groups {
			total += len(g.Logs)
		}
	}
	if accounted != int64(total) {
		w.t.Errorf("%d logs are accounted for, there are %d", accounted, total)
	}
}

// quarantined returns the code of each record in quarantine, by sls_id.
func (w *world) quarantined() map[string]string {
	b, err := bucket.Open(context.Background(), w.quarantineURL(), outagetest.WithKeys())
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	q := quarantine.New(b, "slshec")
	out := map[string]string{}
	for obj, err := range q.Pending(context.Background()) {
		if err != nil {
			w.t.Error(err)
			break
		}
		for rec, err := range q.Read(context.Background(), obj.Name) {
			if err != nil {
				w.t.Error(err)
				break
			}
			var at struct {
				ID string `json:"sls_id"`
			}
			if err := json.Unmarshal(rec.Source, &at); err != nil {
				w.t.Error(err)
			}
			out[at.ID] = rec.Code
		}
	}
	return out
}

func (w *world) quarantineURL() string {
	if u := w.env["QUARANTINE_URL"]; u != "" {
		return u
	}
	u, err := bucket.Sub(w.env["STATE_URL"], "quarantine")
	if err != nil {
		w.t.Fatal(err)
	}
	return u
}

func (w *world) runtime() serve.Runtime {
	return serve.WithLog(context.Background(), "slshec", slog.New(slog.NewJSONHandler(&w.log, nil)))
}

// config reads the world's environment.
func (w *world) config() slshec.Config {
	w.t.Helper()
	var cfg slshec.Config
	if err := config.Load(context.Background(), envconfig.MapLookuper(w.env), &cfg); err != nil {
		w.t.Fatal(err)
	}
	return cfg
}

// function builds the function as [slshec.Open] does, but for clients that do
// not wait long before they try again.
func (w *world) function() *slshec.Function {
	w.t.Helper()
	return w.build(w.config())
}

func (w *world) build(cfg slshec.Config) *slshec.Function {
	w.t.Helper()
	f, err := slshec.Build(context.Background(), cfg, retry.Policy{Attempts: 12, Base: time.Millisecond, Max: 20 * time.Millisecond}, w.runtime())
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := f.Close(); err != nil {
			w.t.Error(err)
		}
	})
	return f
}

// slow builds the function with the retries of a real one.
func (w *world) slow() *slshec.Function {
	w.t.Helper()
	f, err := slshec.Build(context.Background(), w.config(), retry.Policy{}, w.runtime())
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = f.Close() })
	return f
}

func (w *world) run(f *slshec.Function) (*slshec.Receipt, error) {
	return w.runEvent(f, trigger.Event{Kind: trigger.Tick})
}

func (w *world) runEvent(f *slshec.Function, ev trigger.Event) (*slshec.Receipt, error) {
	w.t.Helper()
	r, err := f.Run(context.Background(), ev)
	if r == nil {
		return nil, err
	}
	rec, ok := r.(*slshec.Receipt)
	if !ok {
		w.t.Fatalf("receipt is a %T", r)
	}
	if err := rec.Balance(); err != nil {
		w.t.Error(err)
	}
	return rec, err
}

// mustRun runs and wants all done.
func (w *world) mustRun(f *slshec.Function) *slshec.Receipt {
	w.t.Helper()
	r, err := w.run(f)
	if err != nil || r.Status != receipt.OK {
		w.t.Fatalf("run: %v, receipt %+v", err, r)
	}
	return r
}

// wantAll checks that each log is in Splunk, or in quarantine if that is where
// it belongs; and unless repeats are allowed, once.
func (w *world) wantAll(repeats bool) {
	w.t.Helper()
	inside := w.quarantined()
	counts := w.hec.Counts()
	missing, repeated, wrong := 0, 0, 0
	want := w.ids()
	for id := range want {
		refused := w.belongsInQuarantine(id)
		n := counts[id]
		_, held := inside[id]
		switch {
		case refused && (!held || n > 0), !refused && held:
			wrong++
		case !refused && n == 0:
			missing++
		case n > 1:
			repeated++
		}
	}
	strange := 0
	for id := range counts {
		if want[id] == nil {
			strange++
		}
	}
	if missing > 0 || wrong > 0 || strange > 0 || repeated > 0 && !repeats {
		w.t.Errorf("of %d logs %d are missing, %d repeated, %d wrongly in or not in quarantine; %d are none of them", len(want), missing, repeated, wrong, strange)
	}
}

func (w *world) belongsInQuarantine(id string) bool {
	return w.refuse != nil && w.refuse(splunk.Event{ID: id}) != 0
}

// wantCheckpoints checks that every shard's checkpoint is at its end.
func (w *world) wantCheckpoints(group string) {
	w.t.Helper()
	ids, _ := w.store.ShardIDs()
	for _, id := range ids {
		_, end := w.store.Range(id)
		if n := cursorNumber(w.t, w.store.Checkpoint(group, id)); n != end && w.groups[id] != nil {
			w.t.Errorf("checkpoint of shard %d is at %d, its end at %d", id, n, end)
		}
	}
}

func (w *world) receipts() []slshec.Receipt {
	w.t.Helper()
	keys, err := w.state.Keys(context.Background(), "slshec/receipts/")
	if err != nil {
		w.t.Fatal(err)
	}
	slices.Sort(keys)
	var out []slshec.Receipt
	for _, k := range keys {
		var r slshec.Receipt
		if err := w.state.ReadJSON(context.Background(), k, &r); err != nil {
			w.t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

func (w *world) wantNoSecret(texts ...string) {
	w.t.Helper()
	for _, s := range append(texts, w.log.String()) {
		for _, hidden := range []string{secret, token} {
			if strings.Contains(s, hidden) {
				w.t.Errorf("a secret is in %.2000s", s)
			}
		}
	}
}

func cursorNumber(t testing.TB, cursor string) int64 {
	t.Helper()
	if cursor == "" {
		return 0
	}
	n, ok := slsCursor(cursor)
	if !ok {
		t.Fatalf("cursor %q", cursor)
	}
	return n
}

// follower builds a function that follows under a name of its own.
func (w *world) follower(name string) *slshec.Function {
	w.t.Helper()
	cfg := w.config()
	cfg.Mode, cfg.Consumer = "follow", name
	return w.build(cfg)
}

// eventually waits for a condition; how long it may take is no assertion.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for range 3000 {
		if ok() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("gave up waiting until %s", what)
}
