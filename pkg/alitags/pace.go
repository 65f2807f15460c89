package alitags

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/siemfeed/siemfeed/pkg/retry"
)

// pace is how fast STS is asked: it counts the calls of all accounts' sessions as
// the caller's, so that all of them wait when one was too many.
type pace struct {
	places chan struct{} // holds as many as there are calls

	mu      sync.Mutex
	pause   time.Time // no call begins before it is over
	strikes int       // pauses in a row
}

// mostSessions are asked for at once.
const mostSessions = 16

func newPace() *pace { return &pace{places: make(chan struct{}, mostSessions)} }

// acquire waits until a call may begin.
func (p *pace) acquire(ctx context.Context) error {
	select {
	case p.places <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	for left := p.left(); left > 0; left = p.left() {
		if err := retry.Sleep(ctx, left); err != nil {
			<-p.places
			return err
		}
	}
	return nil
}

func (p *pace) left() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Until(p.pause)
}

// release ends a call, with what it came to.
func (p *pace) release(err error) {
	<-p.places
	p.mu.Lock()
	defer p.mu.Unlock()
	switch now := time.Now(); {
	case err == nil:
		p.strikes = 0
	case judge(err) != throttled, now.Before(p.pause): // one pause for all that were under way
	default:
		wait := min(time.Second<<min(p.strikes, 4), longestPause)
		p.strikes++
		p.pause = now.Add(max(wait/2+rand.N(wait/2), asked(err)))
	}
}
