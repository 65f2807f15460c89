package consume_test

import (
	"strings"
	"testing"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
)

// A jump over logs that are gone is logged, and kept before a checkpoint passes
// them, so that no kill can hide it.
func TestGapIsToldWhileFollowing(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 1}, map[string]string{"SLS_ON_INVALID_CURSOR": "oldest", "SLS_GROUP_TIMEOUT": "1s", "SLS_HEARTBEAT": "100ms"})
	gen := emulator.NewGenerator(1)
	w.Store.Append(0, gen.Group(5))
	w.mustRun(w.consumer()) // leaves a checkpoint
	for range 10 {
		w.Store.Append(0, gen.Group(5))
	}
	w.Store.Expire(0, 8)
	checkpoint := make(chan bool, 100)
	w.Store.OnCheckpoint(func(emulator.CheckpointEvent) {
		kept := false
		for _, r := range w.receipts() {
			kept = kept || len(r.Gaps) == 1 && strings.Contains(r.Gaps[0], "about 7 LogGroups")
		}
		checkpoint <- kept
	})
	stop := w.Following(w.follower("one"))
	if !<-checkpoint {
		t.Error("a checkpoint passed a gap that no receipt tells of")
	}
	if !strings.Contains(w.Log.String(), "about 7 LogGroups") {
		t.Error("the log does not tell of the gap")
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
