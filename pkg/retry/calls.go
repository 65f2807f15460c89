package retry

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// Calls are the calls of a run that [Policy.Do] makes again. Whoever made one that
// the run's end cut off may have nothing to say of it but that: what it failed with
// is known here.
type Calls struct {
	run context.Context

	mu      sync.Mutex
	failing map[*failing]struct{}
}

// failing is a call that failed and is made again.
type failing struct {
	since time.Time // when it was made first
	last  error
}

type callsKey struct{}

// Watched returns a context whose calls are known to the [Calls], until run ends.
func Watched(run context.Context) (context.Context, *Calls) {
	c := &Calls{run: run, failing: map[*failing]struct{}{}}
	return context.WithValue(run, callsKey{}, c), c
}

// Unwatched returns a context whose calls are nobody's matter: what may fail for as
// long as it likes.
func Unwatched(ctx context.Context) context.Context {
	return context.WithValue(ctx, callsKey{}, (*Calls)(nil))
}

func callsOf(ctx context.Context) *Calls {
	c, _ := ctx.Value(callsKey{}).(*Calls)
	return c
}

// Failing returns what the calls failed with last that have kept failing for at
// least so long, or did when the run ended: the longest first, and each text once.
func (c *Calls) Failing(atLeast time.Duration) []error {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	var found []*failing
	for f := range c.failing {
		if now.Sub(f.since) >= atLeast {
			found = append(found, f)
		}
	}
	slices.SortFunc(found, func(a, b *failing) int {
		return cmp.Or(a.since.Compare(b.since), cmp.Compare(a.last.Error(), b.last.Error()))
	})
	var out []error
	for _, f := range found {
		if !slices.ContainsFunc(out, func(e error) bool { return e.Error() == f.last.Error() }) {
			out = append(out, f.last)
		}
	}
	return out
}

// note says that f has failed with err and is made again.
func (c *Calls) note(f *failing, err error) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	f.last = err
	c.failing[f] = struct{}{}
}

// end says that f ended with err. It stays where the run's end cut it off.
func (c *Calls) end(f *failing, err error) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var cut *CutError
	if !errors.As(err, &cut) || c.run.Err() == nil {
		delete(c.failing, f)
	}
}
