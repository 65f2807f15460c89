package slshec

import (
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/outcome"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/serve"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// Checkpoints that are saved at the same time cost one write together, and each
// finds itself in it.
func TestShardsShareAReceipt(t *testing.T) {
	const shards = 32
	state, err := bucket.Open(t.Context(), "mem://")
	if err != nil {
		t.Fatal(err)
	}
	l := newLedger()
	r := &Receipt{Core: receipt.Start("slshec")}
	a := &announcer{f: &Function{state: state}, ledger: l, r: r}
	var mu sync.Mutex
	writes := map[time.Time]bool{}
	var all sync.WaitGroup
	for id := range shards {
		l.assign(id)
		l.begin(id, sls.FormatCursor(1))
		l.settled(id, settledPage{sls.FormatCursor(3), counts{in: 5, out: 5}})
		all.Go(func() {
			if err := a.announce(t.Context(), sls.ShardStatus{Shard: id, Start: sls.FormatCursor(1)}, sls.FormatCursor(3), false); err != nil {
				t.Error(err)
			}
			var kept Receipt
			if err := state.ReadJSON(t.Context(), r.Key(), &kept); err != nil {
				t.Error(err)
			}
			found := false
			for _, s := range kept.Announced {
				found = found || s.Shard == id && s.In == 5 && s.To == sls.FormatCursor(3)
			}
			if !found || kept.Status != receipt.Running || kept.In != 0 {
				t.Errorf("shard %d: %+v", id, kept)
			}
			mu.Lock()
			writes[kept.FinishedAt] = true
			mu.Unlock()
		})
	}
	all.Wait()
	if len(writes) > shards/4 {
		t.Errorf("%d writes for %d shards", len(writes), shards)
	}
	a.turn(func(*Receipt) *Receipt { return nil })
	l.settled(0, settledPage{sls.FormatCursor(4), counts{in: 1, out: 1}})
	if err := a.announce(t.Context(), sls.ShardStatus{Checkpoint: sls.FormatCursor(3)}, sls.FormatCursor(4), true); err == nil {
		t.Error("a checkpoint may move after the last receipt")
	}
}

// A stretch of following whose receipt cannot be kept is in the next one.
func TestReceiptNotKeptTakesInTheNextStretch(t *testing.T) {
	dir := t.TempDir()
	f, err := Open(t.Context(), envconfig.MapLookuper(map[string]string{
		"SLS_ENDPOINT": "http://127.0.0.1:1", "SLS_PROJECT": "project", "SLS_LOGSTORE": "logstore", "SLS_CG": "group",
		"SLS_AK_ID": "ak", "SLS_AK_KEY": "secret", "HEC_URL": "http://127.0.0.1:1", "HEC_TOKEN": "token", "STATE_URL": "file://" + dir,
	}), serve.WithLog(t.Context(), "slshec", slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	run := outcome.Begin(t.Context(), 0, 0)
	defer run.Cancel()
	s := newSink(t.Context(), f)
	defer s.close()
	a := &announcer{f: f, ledger: s.ledger, r: f.begin(follow)}
	told := 0
	b := &books{f: f, run: run, s: s, a: a, since: f.meter(), note: func(*Receipt) { told++ }}

	status := sls.ShardStatus{Start: sls.FormatCursor(0)}
	s.ledger.assign(0)
	page := func(n int64) {
		s.ledger.begin(0, sls.FormatCursor(n))
		s.ledger.settled(0, settledPage{sls.FormatCursor(n + 1), counts{in: 5, out: 5}})
		status.Checkpoint = sls.FormatCursor(n + 1)
		s.ledger.note(status)
	}
	page(0)
	inTheWay := filepath.Join(dir, "slshec")
	if err := os.WriteFile(inTheWay, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := b.turn(t.Context()); err == nil || told > 0 {
		t.Fatalf("kept where a file is in the way: %v, told %d times", err, told)
	}
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	page(1)
	if err := b.turn(t.Context()); err != nil || told != 1 {
		t.Fatalf("%v, told %d times", err, told)
	}
	var kept []Receipt
	if err := receipt.Read(t.Context(), f.state, "slshec", time.Time{}, func(r Receipt) { kept = append(kept, r) }); err != nil {
		t.Fatal(err)
	}
	if len(kept) != 1 || kept[0].In != 10 || len(kept[0].Shards) != 2 || kept[0].Status != receipt.OK || kept[0].Error != "" {
		t.Errorf("%+v", kept)
	}
}
