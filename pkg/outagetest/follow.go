package outagetest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// lasts is how long an outage goes on once the function has told of it.
const lasts = RunTimeout

// Follower is a function that works without being triggered, and what it needs,
// with work to do.
type Follower struct {
	// Follow works until ctx ends.
	Follow func(ctx context.Context) error
	// Front is what stands before the need that is to break.
	Front *Front
	// Log is what the function has logged so far: nobody waits for its answer.
	Log func() string
	// All tells whether all the work is done.
	All func() bool
	// Done fails the test unless it was done once and for good.
	Done func(t *testing.T)
}

// Follow tries every kind of outage of every need, in a world of its own: the
// function says what is down, by name, goes on trying, and once that is back it
// completes, without being started anew.
func Follow(t *testing.T, needs map[string]Need, build func(t *testing.T, need string) Follower) {
	t.Helper()
	var wg sync.WaitGroup
	turns := make(chan struct{}, 2*side) // less to do than for runs
	for name, need := range needs {
		for kind := range kinds {
			wg.Go(func() {
				turns <- struct{}{}
				defer func() { <-turns }()
				t.Run(fmt.Sprintf("%s/%s", name, kind), func(t *testing.T) { follow(t, need, kind, build(t, name)) })
			})
		}
	}
	wg.Wait()
}

func follow(t *testing.T, need Need, kind Kind, f Follower) {
	t.Helper()
	f.Front.Break(t, kind, need.Match)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- f.Follow(ctx) }()
	wait := func(what string, ok func() bool) {
		t.Helper()
		for deadline := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(20 * time.Millisecond) {
			select {
			case err := <-ended:
				ended <- err
				t.Fatalf("it ended before %s: %v\n%s", what, err, f.Log())
			default:
			}
			if time.Now().After(deadline) {
				t.Fatalf("gave up waiting until %s:\n%s", what, f.Log())
			}
		}
	}
	wait("it says what is down", func() bool {
		for line := range strings.Lines(f.Log()) {
			if strings.Contains(line, need.Variable) && strings.Contains(line, kinds[kind]) {
				return true
			}
		}
		return false
	})
	time.Sleep(lasts) // longer than anyone's patience in such a world
	f.Front.Heal(t)
	wait("all is done", f.All)
	stop()
	if err := <-ended; err != nil {
		t.Errorf("told to stop it ended with %v", err)
	}
	f.Done(t)
}
