package consume_test

import (
	"errors"
	"fmt"
	"testing"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/sls"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// The SLS trigger of Function Compute hands over a range; 200 means delivered.
func TestRange(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 2}, nil)
	w.Fill(emulator.NewGenerator(1), 10, 5)
	first, _ := w.Store.Range(1)
	ev := trigger.Event{Kind: trigger.Logs, Range: &trigger.LogRange{
		Project: "project", Logstore: "logstore", Shard: 1, Begin: sls.FormatCursor(first + 2), End: sls.FormatCursor(first + 6),
	}}
	f := w.consumer()
	r, err := w.runOn(f, ev)
	if err != nil || r.Status != receipt.OK || r.In != 20 || r.Out != 20 || len(r.Stretches) != 1 {
		t.Fatalf("%v %+v", err, r)
	}
	for i := range int64(10) {
		want := 0
		if i >= 2 && i < 6 {
			want = 1
		}
		if got := w.mem.accepted(fmt.Sprintf("1:%d:0", first+i)); got != want {
			t.Errorf("group %d: %d times", i, got)
		}
	}
	w.WantNoCheckpoint(group)
	ev.Range.Logstore = "another"
	if _, err := w.runOn(f, ev); !isRefused(err) {
		t.Errorf("a range of another logstore: %v", err)
	}
}

func TestEventsThatAreNoneOfOurs(t *testing.T) {
	f := newWorld(t, emulator.Options{}, nil).consumer()
	for _, ev := range []trigger.Event{
		{Kind: trigger.PubSub, Data: []byte(`{"hello":1}`)},
		{Kind: trigger.Objects, Path: "s3"},
	} {
		if r, err := f.Run(t.Context(), ev); r != nil || !isRefused(err) {
			t.Errorf("%v: %v %v", ev, r, err)
		}
	}
}

func isRefused(err error) bool {
	var refused *trigger.Error
	return errors.As(err, &refused) && refused.Status == 400
}

// What SLS keeps no longer of a range is decided about like what lies behind a
// checkpoint: the trigger would hand over the same range until it gives up.
func TestRangeThatExpired(t *testing.T) {
	for what, expire := range map[string]func(w *world){
		"in part":    func(w *world) { w.Store.Expire(1, 4) },
		"as a whole": func(w *world) { w.Store.Expire(1, 8) },
		"its shard":  func(w *world) { w.Store.RemoveShard(1) },
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t, emulator.Options{Shards: 2}, nil)
			w.Fill(emulator.NewGenerator(1), 10, 5)
			first, _ := w.Store.Range(1)
			ev := trigger.Event{Kind: trigger.Logs, Range: &trigger.LogRange{
				Project: "project", Logstore: "logstore", Shard: 1, Begin: sls.FormatCursor(first + 2), End: sls.FormatCursor(first + 6),
			}}
			expire(w)
			r, err := w.runOn(w.consumer(), ev)
			if !errors.Is(err, sls.ErrExpired) || r.Status != receipt.Failed {
				t.Fatalf("%v, receipt %+v", err, r)
			}
			w.Env["SLS_ON_INVALID_CURSOR"] = "oldest"
			r, err = w.runOn(w.consumer(), ev)
			want := int64(0)
			if what == "in part" {
				want = 2 * 5
			}
			if err != nil || r.Status != receipt.OK || r.Out != want || len(r.Gaps) != 1 {
				t.Errorf("%v, receipt %+v", err, r)
			}
		})
	}
}
