// Package consumetest is the world in which functions that consume a logstore are
// tested: an emulated logstore, what of it was put there, and STATE_URL.
//
// Whatever a test does in a [World], and whatever sink is at work, no checkpoint
// in it is ever ahead of what is durable, nor of what a receipt accounts for.
package consumetest

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	sdk "github.com/aliyun/aliyun-log-go-sdk"
	"github.com/gogo/protobuf/proto"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/outagetest"
	"github.com/siemfeed/siemfeed/pkg/proctest"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/serve"
)

// Group is the consumer group of a world's function, Secret the key that the
// logstore is reached by.
const (
	Group  = "group"
	Secret = outagetest.Secret
)

// World is a logstore with logs, and what a function keeps.
type World struct {
	T     testing.TB
	SLS   *emulator.Server
	Store *emulator.Logstore
	Env   map[string]string // the function's, as far as the source goes
	State *bucket.Bucket    // what lies in STATE_URL
	Log   proctest.Buffer

	// Durable tells whether a log has arrived for good. What is in quarantine
	// need not have.
	Durable func(id string, l *sdk.Log) bool
	// Filter tells which groups are to be carried; all at first.
	Filter func(*sdk.LogGroup) bool
	// Make makes the groups that [World.Fill] puts; those of the generator at first.
	Make func(gen *emulator.Generator, logs int) []byte
	// Unguarded leaves checkpoints unlooked at: those of a release whose receipts
	// had another form.
	Unguarded bool
	// First is the cursor of the first group of each shard that has any.
	First map[int]int64

	function string
	mu       sync.Mutex
	groups   map[int][]*sdk.LogGroup  // by shard, from First on
	passed   map[string]map[int]int64 // group → shard → groups known to be done with, as a cursor
	inside   map[string]string        // id → code, in quarantine; read when a checkpoint asks
}

// New makes the world of the function of that name. env is added to what the
// function needs to find its source.
func New(t testing.TB, function string, o emulator.Options, env map[string]string) *World {
	t.Helper()
	o.AccessKeySecret = Secret
	w := &World{
		T: t, SLS: emulator.New(o).Start(), function: function,
		Durable: func(string, *sdk.Log) bool { return false }, Filter: func(*sdk.LogGroup) bool { return true },
		Make:  (*emulator.Generator).Group,
		First: map[int]int64{}, groups: map[int][]*sdk.LogGroup{}, passed: map[string]map[int]int64{},
	}
	t.Cleanup(w.SLS.Close)
	w.Store = w.SLS.Logstore()
	w.Store.OnCheckpoint(w.guard)
	w.Env = map[string]string{
		"SLS_ENDPOINT": w.SLS.URL(), "SLS_AK_ID": "ak", "SLS_AK_KEY": Secret,
		"SLS_PROJECT": "project", "SLS_LOGSTORE": "logstore", "SLS_CG": Group, "SLS_START": "begin",
		"STATE_URL": "file://" + t.TempDir(),
	}
	maps.Copy(w.Env, env)
	w.State = w.Open(w.Env["STATE_URL"])
	t.Cleanup(func() {
		for _, v := range w.Store.Violations() {
			t.Error(v)
		}
	})
	return w
}

// Open opens a bucket until the test ends.
func (w *World) Open(url string) *bucket.Bucket {
	w.T.Helper()
	b, err := bucket.Open(context.Background(), url, outagetest.WithKeys())
	if err != nil {
		w.T.Fatal(err)
	}
	w.T.Cleanup(func() { _ = b.Close() })
	return b
}

// Runtime is what the function runs in. It logs to w.Log.
func (w *World) Runtime() serve.Runtime {
	return serve.WithLog(context.Background(), w.function, slog.New(slog.NewJSONHandler(&w.Log, nil)))
}

// Put appends encoded groups to a shard, and remembers them.
func (w *World) Put(shard int, groups ...[]byte) {
	w.T.Helper()
	w.PutAt(time.Now(), shard, groups...)
}

// PutAt is Put as if received at t.
func (w *World) PutAt(t time.Time, shard int, groups ...[]byte) {
	w.T.Helper()
	first, _ := w.Store.Range(shard) // not under w.mu: guard takes that while it holds up the store
	w.mu.Lock()
	if _, known := w.First[shard]; !known {
		w.First[shard] = first
	}
	for _, raw := range groups {
		var g sdk.LogGroup
		if err := proto.Unmarshal(raw, &g); err != nil {
			w.T.Fatal(err)
		}
		w.groups[shard] = append(w.groups[shard], &g)
	}
	w.mu.Unlock()
	w.Store.AppendAt(t, shard, groups...)
}

// Fill puts n groups of logs logs into each shard that takes any.
func (w *World) Fill(gen *emulator.Generator, n, logs int) {
	w.T.Helper()
	ids, readOnly := w.Store.ShardIDs()
	for range n {
		for _, id := range ids {
			if !readOnly[id] {
				w.Put(id, w.Make(gen, logs))
			}
		}
	}
}

// Log is a log that was put into a world.
type Log struct {
	Shard int
	Group *sdk.LogGroup
	*sdk.Log
}

// Logs returns every log that is to be carried, by its id: shard, cursor of the
// group, index in it.
func (w *World) Logs() map[string]Log {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := map[string]Log{}
	for shard, groups := range w.groups {
		for i, g := range groups {
			if !w.Filter(g) {
				continue
			}
			for j, l := range g.Logs {
				out[ID(shard, w.First[shard]+int64(i), j)] = Log{shard, g, l}
			}
		}
	}
	return out
}

// ID is the id of a log.
func ID(shard int, cursor int64, index int) string {
	return fmt.Sprintf("%d:%d:%d", shard, cursor, index)
}

// Expired says that the first n groups that no checkpoint of the group has
// passed are gone, and known to be.
func (w *World) Expired(group string, shard int, n int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.passed[group][shard] += n
}

// Receipts returns what receipts the function has kept, in the order of their
// runs.
func Receipts[R any](w *World) []R {
	w.T.Helper()
	var out []R
	for _, k := range w.receiptKeys() {
		var r R
		if err := w.State.ReadJSON(context.Background(), k, &r); err != nil {
			w.T.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

// Rewrite keeps the receipts anew, changed, as if runs had kept them so.
func Rewrite[R any, P interface {
	*R
	receipt.Receipt
}](w *World, change func(P)) {
	w.T.Helper()
	all := Receipts[R](w)
	for _, k := range w.receiptKeys() {
		if err := w.State.Remove(context.Background(), k); err != nil {
			w.T.Fatal(err)
		}
	}
	for i := range all {
		change(&all[i])
		if err := receipt.Save(context.Background(), w.State, P(&all[i])); err != nil {
			w.T.Fatal(err)
		}
	}
}

func (w *World) receiptKeys() []string {
	keys, err := w.State.Keys(context.Background(), w.function+"/receipts/")
	if err != nil {
		w.T.Error(err)
	}
	slices.Sort(keys)
	return keys
}

// AtOnce runs tests that wait more than they compute, all at the same time however
// few processors there are.
func AtOnce(t *testing.T, tests map[string]func(t *testing.T)) {
	t.Helper()
	var all sync.WaitGroup
	for name, test := range tests {
		all.Go(func() { t.Run(name, test) })
	}
	all.Wait()
}

// Eventually waits for a condition; how long it may take is no assertion.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for range 3000 {
		if ok() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("gave up waiting until %s", what)
}

// WantNoSecret checks that none of the texts, nor the log, holds one of hidden.
func (w *World) WantNoSecret(hidden []string, texts ...string) {
	w.T.Helper()
	for _, s := range append(texts, w.Log.String()) {
		for _, h := range append(hidden, Secret) {
			if strings.Contains(s, h) {
				w.T.Errorf("a secret is in %.2000s", s)
			}
		}
	}
}
