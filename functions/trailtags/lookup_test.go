package trailtags_test

import (
	"context"
	"strings"
	"testing"
	"time"

	cloud "github.com/siemfeed/siemfeed/pkg/emulator/alibaba"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/sls/consume/consumetest"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// Whatever goes wrong with the lookups of one account, its events go out, and
// those of the others have their tags.
func TestLookupsThatFail(t *testing.T) {
	for name, tc := range map[string]struct {
		trouble func(w *world, a *cloud.Account)
		kind    string
		want    string
	}{
		"denied":  {func(_ *world, a *cloud.Account) { a.Deny("ecs:ListTagResources") }, instance, "denied"},
		"no role": {func(_ *world, a *cloud.Account) { a.Trust(false) }, instance, "denied"},
		"throttled": {func(_ *world, a *cloud.Account) {
			a.Trouble("", cloud.Trouble{Code: "Throttling.User", RetryAfter: time.Minute})
		}, instance, "error"},
		"no answer":        {func(_ *world, a *cloud.Account) { a.Trouble("ECS", cloud.Trouble{Hang: true}) }, instance, "error"},
		"slow":             {func(_ *world, a *cloud.Account) { a.Trouble("ECS", cloud.Trouble{Delay: time.Minute}) }, instance, "error"},
		"malformed answer": {func(_ *world, a *cloud.Account) { a.Trouble("ECS", cloud.Trouble{Body: `{"TagResources":"`}) }, instance, "error"},
		"unavailable":      {func(_ *world, a *cloud.Account) { a.Trouble("ECS", cloud.Trouble{Code: "ServiceUnavailable"}) }, instance, "error"},
		"unknown type":     {func(*world, *cloud.Account) {}, "ACS::Nonsense::Thing", "unsupported"},
		"no type":          {func(*world, *cloud.Account) {}, "", "unsupported"},
		"never was":        {func(*world, *cloud.Account) {}, instance, "untagged"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, emulator.Options{Shards: 1}, cloud.Options{}, map[string]string{"LOOKUP_BUDGET": "500ms"})
			w.create(third, instance, "i-fine", map[string]string{"project": "fine"})
			tc.trouble(w, w.cloud.AddAccount(member))
			var bad, good []event
			for range 10 {
				bad = append(bad, w.write("StopInstance", member, tc.kind, "i-bad"))
				good = append(good, w.write("StopInstance", third, instance, "i-fine"))
			}
			for i := range bad {
				w.put(0, bad[i], good[i])
			}
			r := w.drain()
			if r.EventsOut != 20 || r.Again != 0 {
				t.Errorf("%+v", r)
			}
			rows := w.byID()
			for i := range bad {
				want(t, rows[bad[i]["eventId"].(string)+"/1"], map[string]string{"tagStatus": tc.want, "tag_project": absent})
				want(t, rows[good[i]["eventId"].(string)+"/1"], map[string]string{"tagStatus": "found", "tag_project": "fine"})
			}
			w.WantCheckpoints(consumetest.Group)
		})
	}
}

// Events of an account that gives no answer wait by themselves: those of others
// are in the target long before.
func TestSlowAccountHoldsUpNoOther(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 1}, cloud.Options{}, map[string]string{"LOOKUP_BUDGET": "8s", "SLS_HEARTBEAT": "50ms", "SLS_GROUP_TIMEOUT": "2s"})
	w.create(third, instance, "i-fine", map[string]string{"project": "fine"})
	w.create(member, instance, "i-slow", map[string]string{"project": "slow"})
	a := w.cloud.AddAccount(member)
	a.Trouble("ECS", cloud.Trouble{Hang: true})
	slow := w.write("StopInstance", member, instance, "i-slow")
	w.put(0, slow)
	var good []event
	for range 300 {
		good = append(good, w.write("StopInstance", third, instance, "i-fine"))
	}
	for _, e := range good {
		w.put(0, e)
	}
	f := w.function()
	done := make(chan error, 1)
	go func() {
		_, err := w.Run(f)
		done <- err
	}()
	consumetest.Eventually(t, "the others are through", func() bool { return w.rowsOf(good[299]["eventId"].(string)) > 0 })
	if w.rowsOf(slow["eventId"].(string)) > 0 {
		t.Error("the slow event is through before it had an answer")
	}
	first, _ := w.Store.Range(0)
	if n := w.Checkpoint(consumetest.Group, 0); n > first {
		t.Errorf("the checkpoint is at %d, behind an event that waits", n)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	want(t, w.byID()[slow["eventId"].(string)+"/1"], map[string]string{"tagStatus": "error"})
	w.WantCheckpoints(consumetest.Group)
}

// A lookup that a stop cuts off is no answer: the event is left for the next run,
// in good order.
func TestStopLeavesWhatWaits(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 1}, cloud.Options{}, map[string]string{"LOOKUP_BUDGET": "30s", "SLS_HEARTBEAT": "50ms", "SLS_GROUP_TIMEOUT": "2s"})
	w.create(member, instance, "i-slow", map[string]string{"project": "slow"})
	w.cloud.AddAccount(member).Trouble("ECS", cloud.Trouble{Hang: true})
	fine := w.write("CreateUser", third, "")
	slow := w.write("StopInstance", member, instance, "i-slow")
	w.put(0, fine)
	w.put(0, slow)
	f := w.function()
	ctx, stop := context.WithCancel(t.Context())
	type ended struct {
		r   receipt.Receipt
		err error
	}
	done := make(chan ended, 1)
	go func() {
		r, err := f.Run(ctx, trigger.Event{Kind: trigger.Tick})
		done <- ended{r, err}
	}()
	consumetest.Eventually(t, "the other is through", func() bool { return w.rowsOf(fine["eventId"].(string)) > 0 })
	stop()
	got := <-done
	if err := got.r.Balance(); err != nil {
		t.Error(err)
	}
	if w.rowsOf(slow["eventId"].(string)) > 0 {
		t.Error("a lookup that was cut off was taken for an answer")
	}
	w.cloud.AddAccount(member).Trouble("ECS", cloud.Trouble{})
	w.drain()
	want(t, w.byID()[slow["eventId"].(string)+"/1"], map[string]string{"tagStatus": "found", "tag_project": "slow"})
	w.WantProof(repeating{w.function()})
}

// A wrong key of the function's own is nobody's event's fault: the run fails, and
// nothing is passed.
func TestWrongKeyFailsTheRun(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 1}, cloud.Options{}, map[string]string{"RESOURCE_AK_KEY": "wrong"})
	e := w.write("StopInstance", member, instance, "i-a")
	w.put(0, e)
	r, err := w.tick()
	if err == nil || r.Status != receipt.Failed || !retry.IsPermanent(err) || !strings.Contains(r.Error, "tag lookups are not possible") {
		t.Errorf("%v: %+v", err, r)
	}
	if len(w.out()) != 0 {
		t.Error("a row was written without knowing anything")
	}
	w.WantNoCheckpoint(consumetest.Group)
}

// A deleted resource is told as it was, by another process too; and what is known
// is kept before the event that told it is checked off.
func TestDeletedResource(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 1}, cloud.Options{}, nil)
	r := w.create(member, instance, "i-a", map[string]string{"project": "alpha"})
	w.create(member, instance, "i-plain", nil)
	kept := func() bool {
		keys, err := w.State.Keys(context.Background(), "trailtags/tags/")
		if err != nil {
			t.Error(err)
		}
		return len(keys) > 0
	}
	first, _ := w.Store.Range(0)
	w.Store.OnCheckpoint(func(e emulator.CheckpointEvent) {
		if e.Number > first && !kept() {
			t.Error("the checkpoint moves before what is known of the resource is kept")
		}
	})
	stopped := w.write("StopInstance", member, instance, "i-a")
	w.put(0, stopped)
	w.drain()
	w.cloud.AddAccount(member).Delete(r)
	deleted := w.write("DeleteInstance", member, instance, "i-a")
	unknown := w.write("DeleteInstance", member, instance, "i-never-seen")
	w.put(0, deleted, unknown)
	w.drain() // a process of its own
	rows := w.byID()
	want(t, rows[stopped["eventId"].(string)+"/1"], map[string]string{"tagStatus": "found", "tag_project": "alpha"})
	want(t, rows[deleted["eventId"].(string)+"/1"], map[string]string{"tagStatus": "stale", "tag_project": "alpha"})
	want(t, rows[unknown["eventId"].(string)+"/1"], map[string]string{"tagStatus": "gone", "tag_project": absent})
}

// Tags that change are asked for again at once.
func TestTagEventsRefresh(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 1}, cloud.Options{}, map[string]string{"TAG_TTL": "1h"})
	r := w.create(member, instance, "i-a", map[string]string{"project": "alpha"})
	f := w.function()
	step := func(name string) map[string]string {
		e := w.write(name, member, instance, "i-a")
		w.put(0, e)
		if _, err := w.Run(f); err != nil {
			t.Fatal(err)
		}
		return w.byID()[e["eventId"].(string)+"/1"]
	}
	want(t, step("StopInstance"), map[string]string{"tag_project": "alpha"})
	w.cloud.AddAccount(member).Tag(r, map[string]string{"project": "beta"})
	want(t, step("TagResources"), map[string]string{"tag_project": "beta", "tagStatus": "found"})
	w.cloud.AddAccount(member).Untag(r)
	want(t, step("UntagResources"), map[string]string{"tag_project": absent, "tagStatus": "untagged"})
}
