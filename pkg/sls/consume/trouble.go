package consume

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/siemfeed/siemfeed/pkg/outcome"
	"github.com/siemfeed/siemfeed/pkg/watch"
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
		told := map[string]time.Time{} // by name, while it lasts
		for {
			select {
			case <-t.C:
			case <-over:
				return
			}
			c.tell(run.Failing(c.cfg.Heartbeat), told)
		}
	})
	return func() { close(over); wg.Wait() }
}

func (c *Consumer) tell(failing []watch.Trouble, told map[string]time.Time) {
	if len(failing) == 0 && len(told) > 0 {
		c.rt.Log.Info("following goes on")
	}
	maps.DeleteFunc(told, func(name string, _ time.Time) bool {
		return !slices.ContainsFunc(failing, func(t watch.Trouble) bool { return t.Name == name })
	})
	for _, t := range failing {
		if time.Since(told[t.Name]) >= tellAgain {
			told[t.Name] = time.Now()
			c.rt.Log.Error("following is held up", "error", t.String())
		}
	}
}
