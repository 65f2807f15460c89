package trailtags_test

import (
	"context"
	"testing"

	cloud "github.com/siemfeed/siemfeed/pkg/emulator/alibaba"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/sls/consume/consumetest"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// A lookup that a stop cuts off is no answer: the event is left for the next run,
// in good order.
func TestStopLeavesWhatWaits(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 1}, cloud.Options{}, map[string]string{"LOOKUP_BUDGET": "2m", "SLS_HEARTBEAT": "50ms"})
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
