package consume

import (
	"sync"
	"time"

	"github.com/siemfeed/siemfeed/pkg/outcome"
)

// tellAgain is how often trouble that lasts is told of.
const tellAgain = time.Minute

// tellTrouble logs what following is held up by, until the returned function is
// called: nobody waits for its answer, and clients try for long before they give
// up.
func (c *Consumer) tellTrouble(run *outcome.Run) (stop func()) {
	over := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		t := time.NewTicker(c.cfg.Heartbeat)
		defer t.Stop()
		var told time.Time // zero while all is well
		for {
			select {
			case <-t.C:
			case <-over:
				return
			}
			switch failing := run.Failing(c.cfg.Heartbeat); {
			case failing != nil && time.Since(told) >= tellAgain:
				told = time.Now()
				c.rt.Log.Error("following is held up", "error", failing.Error())
			case failing == nil && !told.IsZero():
				told = time.Time{}
				c.rt.Log.Info("following goes on")
			}
		}
	})
	return func() { close(over); wg.Wait() }
}
