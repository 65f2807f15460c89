package consume_test

import (
	"context"
	"fmt"
	"regexp"
	"testing"
	"time"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/sls/consume"
)

func TestBackfill(t *testing.T) {
	w := newWorld(t, emulator.Options{}, map[string]string{"SLS_START": "end"})
	gen := emulator.NewGenerator(1)
	now := time.Now().Truncate(time.Second)
	for id := range 2 {
		w.First[id], _ = w.Store.Range(id)
		for h := range 5 {
			w.Store.AppendAt(now.Add(time.Duration(h-5)*time.Hour), id, gen.Group(10))
		}
	}
	f := w.consumer()
	var events int64
	note := func(r receipt.Receipt) { events += r.Base().Out }
	if err := f.Backfill(t.Context(), now.Add(-4*time.Hour), now.Add(-2*time.Hour), note); err != nil {
		t.Fatal(err)
	}
	if events != 2*2*10 {
		t.Errorf("%d events", events)
	}
	for id := range 2 {
		for h := range 5 {
			want := 0
			if h == 1 || h == 2 {
				want = 1
			}
			if got := w.mem.accepted(fmt.Sprintf("%d:%d:0", id, w.First[id]+int64(h))); got != want {
				t.Errorf("shard %d group %d: %d", id, h, got)
			}
		}
	}
	if n := w.SLS.Calls()["DeleteConsumerGroup"]; n != 1 {
		t.Errorf("%d groups removed", n)
	}
	if err := f.Backfill(t.Context(), now, now, nil); err == nil {
		t.Error("an empty span")
	}
}

// A backfill works whatever MODE says, in a group whose name the service takes,
// and goes on in it when it broke off.
func TestBackfillBesideAFollower(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 2}, map[string]string{"MODE": "follow", "SLS_CG": "Group_of_a-very-long-NAME-indeed"})
	w.Fill(emulator.NewGenerator(1), 5, 20)
	time.Sleep(1100 * time.Millisecond) // a span is whole seconds
	from, to := time.Now().Add(-time.Hour), time.Now()
	var groups []string
	note := func(r receipt.Receipt) { groups = append(groups, r.(*consume.Receipt).Group) }
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f := w.consumer()
	if err := f.Backfill(ctx, from, to, note); err == nil {
		t.Error("a backfill that was stopped is no success")
	}
	if err := w.consumer().Backfill(t.Context(), from, to, note); err != nil {
		t.Errorf("backfill with MODE=follow: %v", err)
	}
	if err := f.Backfill(t.Context(), from.Add(-time.Second), to, note); err != nil {
		t.Error(err)
	}
	if len(groups) != 3 || groups[0] != groups[1] || groups[1] == groups[2] {
		t.Errorf("groups %q", groups)
	}
	for _, g := range groups {
		if !regexp.MustCompile(`^[0-9a-z]{2,32}$`).MatchString(g) {
			t.Errorf("group %q", g)
		}
	}
	w.wantAll(true)
}
