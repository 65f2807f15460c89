package consume

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/config"
	"github.com/siemfeed/siemfeed/pkg/outcome"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/serve"
	"github.com/siemfeed/siemfeed/pkg/sls"
	"github.com/siemfeed/siemfeed/pkg/watch"
)

// Checkpoints that are saved at the same time cost one write together, and each
// finds itself in it.
func TestShardsShareAReceipt(t *testing.T) {
	const shards = 32
	state, err := bucket.Open(t.Context(), "mem://")
	if err != nil {
		t.Fatal(err)
	}
	r := &Receipt{Core: receipt.Start("slshec")}
	l := newLedger(&Consumer{state: state}, r)
	stretch := func(id int, from, to int64, last bool) sls.Stretch {
		return sls.Stretch{
			Shard: id, From: sls.FormatCursor(from), To: sls.FormatCursor(to), Last: last,
			Notes: []any{Counts{In: 3, Out: 3}, Counts{In: 2, Out: 2}}, Status: sls.ShardStatus{Shard: id},
		}
	}
	var mu sync.Mutex
	writes := map[time.Time]bool{}
	var all sync.WaitGroup
	for id := range shards {
		all.Go(func() {
			st := stretch(id, 1, 3, false)
			if err := l.announce(t.Context(), st); err != nil {
				t.Error(err)
			}
			var kept Receipt
			if err := state.ReadJSON(t.Context(), r.Key(), &kept); err != nil {
				t.Error(err)
			}
			found := false
			for _, s := range kept.Stretches {
				found = found || s.Shard == id && s.In == 5 && s.To == st.To && !s.Saved
			}
			if !found || kept.Status != receipt.Running || kept.In != 0 {
				t.Errorf("shard %d: %+v", id, kept)
			}
			l.saved(st)
			mu.Lock()
			writes[kept.FinishedAt] = true
			mu.Unlock()
		})
	}
	all.Wait()
	if len(writes) > shards/4 {
		t.Errorf("%d writes for %d shards", len(writes), shards)
	}
	// Stretches that join are one, and all of them count.
	next := stretch(0, 3, 4, false)
	if err := l.announce(t.Context(), next); err != nil {
		t.Error(err)
	}
	l.saved(next)
	l.replace(func(r *Receipt) *Receipt {
		r.add(l.take())
		if len(r.Stretches) != shards || r.In != 5*(shards+1) {
			t.Errorf("%d stretches of %d logs", len(r.Stretches), r.In)
		}
		return nil
	})
	if err := l.announce(t.Context(), stretch(0, 4, 5, true)); err == nil {
		t.Error("a checkpoint may move after the last receipt")
	}
}

// A interval of following whose receipt cannot be kept is in the next one.
func TestReceiptNotKeptTakesInTheNextInterval(t *testing.T) {
	dir := t.TempDir()
	c := testConsumer(t, "file://"+dir)
	run := outcome.Begin(t.Context(), 0, 0)
	defer run.Cancel()
	l := newLedger(c, c.begin(follow))
	l.open(t.Context(), t.Context())
	defer l.shut()
	told := 0
	i := &intervals{c: c, run: run, l: l, note: func(receipt.Receipt) { told++ }}

	page := func(n int64) {
		l.saved(sls.Stretch{From: sls.FormatCursor(n), To: sls.FormatCursor(n + 1), Notes: []any{Counts{In: 5, Out: 5}}})
	}
	page(0)
	inTheWay := filepath.Join(dir, c.fn.Name)
	if err := os.WriteFile(inTheWay, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := i.next(t.Context()); err == nil || told > 0 {
		t.Fatalf("kept where a file is in the way: %v, told %d times", err, told)
	}
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	page(1)
	if err := i.next(t.Context()); err != nil || told != 1 {
		t.Fatalf("%v, told %d times", err, told)
	}
	var kept []Receipt
	if _, _, err := receipt.Read(t.Context(), c.state, c.fn.Name, receipt.ReadSpan{}, func(r Receipt) { kept = append(kept, r) }); err != nil {
		t.Fatal(err)
	}
	if len(kept) != 1 || kept[0].In != 10 || len(kept[0].Stretches) != 2 || kept[0].Status != receipt.OK || kept[0].Error != "" {
		t.Errorf("%+v", kept)
	}
}

// testConsumer is one whose sink takes nothing, and whose logstore is nowhere.
func testConsumer(t *testing.T, state string) *Consumer {
	t.Helper()
	var cfg Config
	env := map[string]string{
		"SLS_ENDPOINT": "http://127.0.0.1:1", "SLS_PROJECT": "project", "SLS_LOGSTORE": "logstore", "SLS_CG": "group",
		"SLS_AK_ID": "ak", "SLS_AK_KEY": "secret", "STATE_URL": state,
	}
	if err := config.Load(t.Context(), envconfig.MapLookuper(env), &cfg); err != nil {
		t.Fatal(err)
	}
	cfg.QuarantineURL = "mem://"
	open := serve.NewOpener(t.Context())
	c := New(open, cfg, retry.Policy{}, serve.WithLog(t.Context(), "consumer", slog.New(slog.DiscardHandler)), Function{
		Name: "consumer", Begin: func(context.Context, *Timing) Sink { return nothing{} },
	})
	if err := open.Err(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = open.Close() })
	return c
}

type nothing struct{}

func (nothing) Take(context.Context, *Page) (Counts, error) { return Counts{}, nil }
func (nothing) Close()                                      {}

// Receipts of earlier versions are proof still: they had two lists.
func TestReceiptsOfEarlierVersionsAreRead(t *testing.T) {
	state, err := bucket.Open(t.Context(), "mem://")
	if err != nil {
		t.Fatal(err)
	}
	c := &Consumer{state: state, cfg: Config{Group: "group"}, fn: Function{Name: "slshec"}}
	core := receipt.Start("slshec")
	kept := map[string]any{
		"function": "slshec", "version": "1", "run": core.Run, "status": "running", "started_at": core.StartedAt, "consumer_group": "group",
		"shards":    []map[string]any{{"shard": 3, "from": sls.FormatCursor(1), "to": sls.FormatCursor(5), "in": 4, "out": 4}},
		"announced": []map[string]any{{"shard": 3, "from": sls.FormatCursor(5), "to": sls.FormatCursor(7), "in": 2, "out": 2}},
	}
	if err := state.PutJSON(t.Context(), core.Key(), kept); err != nil {
		t.Fatal(err)
	}
	known, _, _, err := c.evidence(t.Context(), receipt.ReadSpan{})
	if err != nil || len(known[3]) != 2 {
		t.Fatalf("%v, %+v", err, known)
	}
	for i, want := range []Stretch{
		{Shard: 3, From: sls.FormatCursor(1), To: sls.FormatCursor(5), Saved: true, In: 4, Out: 4},
		{Shard: 3, From: sls.FormatCursor(5), To: sls.FormatCursor(7), In: 2, Out: 2},
	} {
		if !reflect.DeepEqual(known[3][i], want) {
			t.Errorf("got %+v, want %+v", known[3][i], want)
		}
	}
}

// A receipt names so many objects in quarantine, and counts the others, also
// where it takes in what another one was to hold.
func TestQuarantineListIsBounded(t *testing.T) {
	l := newLedger(new(Consumer), &Receipt{})
	var r Receipt
	for range 2 {
		for n := range maxListed * 3 / 2 {
			l.setAside(fmt.Sprint(n))
		}
		r.add(l.take())
	}
	if len(r.Objects) != maxListed || r.Omitted != 2*maxListed || r.Objects[0] != "0" {
		t.Errorf("%d objects, %d omitted", len(r.Objects), r.Omitted)
	}
}

// Trouble is told of once a minute, and at once where it is another one.
func TestTroubleIsToldByName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		c := &Consumer{rt: serve.Runtime{Log: slog.New(slog.NewTextHandler(&log, nil))}}
		told := map[string]time.Time{}
		sls, state := watch.Trouble{Name: "SLS_ENDPOINT", Said: "no"}, watch.Trouble{Name: "STATE_URL", Said: "no"}
		lines := func(failing ...watch.Trouble) int {
			log.Reset()
			c.tell(failing, told)
			return strings.Count(log.String(), "\n")
		}
		got := []int{lines(), lines(sls), lines(sls), lines(sls, state), lines(state)}
		time.Sleep(tellAgain)
		got = append(got, lines(state), lines(state), lines(), lines(), lines(state))
		if want := []int{0, 1, 0, 1, 0, 1, 0, 1, 0, 1}; !slices.Equal(got, want) {
			t.Errorf("lines %v, want %v", got, want)
		}
	})
}
