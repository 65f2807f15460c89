package watch

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Watch sees the requests of one run. Its zero value is not usable: see [New].
type Watch struct {
	mu    sync.Mutex
	run   context.Context // ends with the run's time
	peers map[string]*peer
	last  Trouble
}

// peer is one thing that a run needs, by the name of the variable that leads
// there.
type peer struct {
	answered time.Time // when it last answered well
	failing  Trouble   // since then; the zero value if it is not
	waiting  map[*call]struct{}
	cut      time.Time // since when a request heard nothing that the run's end cut off
	cutHost  string
}

// Trouble is how something that a run needs failed it.
type Trouble struct {
	Name  string        // such as SOURCE_URL
	Said  string        // what it said last, or that it said nothing
	For   time.Duration // since it last answered well
	since time.Time
}

// String says it in a few words.
func (t Trouble) String() string {
	if t.For < time.Second {
		return t.Name + ": " + t.Said
	}
	return fmt.Sprintf("%s, for %v: %s", t.Name, t.For.Round(100*time.Millisecond), t.Said)
}

// New returns a watch, and a context that carries it to the requests of a run.
// The run's time is up when ctx ends.
func New(ctx context.Context) (*Watch, context.Context) {
	w := &Watch{run: ctx, peers: map[string]*peer{}}
	return w, context.WithValue(ctx, key{}, w)
}

type key struct{}

func from(ctx context.Context) *Watch {
	w, _ := ctx.Value(key{}).(*Watch)
	return w
}

// Failing lists what has not answered well for at least so long, the longest
// first. A request that hears nothing counts from the last byte that moved,
// unless others were answered since.
func (w *Watch) Failing(atLeast time.Duration) []Trouble {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	var out []Trouble
	for name, p := range w.peers {
		t := p.failing
		since, host := p.silent()
		if t.Said == "" && !since.IsZero() {
			t = Trouble{Name: name, Said: fmt.Sprintf("%s gave no answer for %v", host, now.Sub(since).Round(100*time.Millisecond)), since: since}
		}
		if t.Said == "" {
			continue
		}
		if t.For = now.Sub(t.since); t.For >= atLeast {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b Trouble) int {
		return cmp.Or(a.since.Compare(b.since), strings.Compare(a.Name, b.Name))
	})
	return out
}

// silent returns since when the peer has left a request without an answer,
// while it gave no other request one.
func (p *peer) silent() (since time.Time, host string) {
	since, host = p.cut, p.cutHost
	for c := range p.waiting {
		if t := c.moved(); t.After(p.answered) && (since.IsZero() || t.Before(since)) {
			since, host = t, c.host
		}
	}
	return since, host
}

// Last is the newest trouble since it was last asked for, whether or not that
// is over, and false if there was none.
func (w *Watch) Last() (Trouble, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.last
	w.last = Trouble{}
	return t, t.Said != ""
}

func (w *Watch) peer(name string) *peer {
	p := w.peers[name]
	if p == nil {
		p = &peer{waiting: map[*call]struct{}{}}
		w.peers[name] = p
	}
	return p
}

func (w *Watch) begin(name, host string) *call {
	now := time.Now()
	c := &call{w: w, name: name, host: host, began: now}
	c.at.Store(now.UnixNano())
	w.mu.Lock()
	defer w.mu.Unlock()
	w.peer(name).waiting[c] = struct{}{}
	return c
}

// answered notes a request that was answered well. What began before the
// failure that is known proves nothing against it.
func (w *Watch) answered(c *call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.peer(c.name)
	p.answered = time.Now()
	if !c.began.Before(p.failing.since) {
		p.failing = Trouble{}
	}
	p.cut = time.Time{}
}

// failed notes a request that was answered badly, or not at all.
func (w *Watch) failed(c *call, said string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.peer(c.name)
	since := c.began
	if p.failing.Said != "" {
		since = p.failing.since
	} else if since.Before(p.answered) {
		since = time.Now() // others were answered while it was under way
	}
	p.failing = Trouble{Name: c.name, Said: c.host + " " + said, since: since}
	w.last = p.failing
}

// cutOff notes a request that the run's end cut off.
func (w *Watch) cutOff(c *call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.peer(c.name)
	if t := c.moved(); t.After(p.answered) && (p.cut.IsZero() || t.Before(p.cut)) {
		p.cut, p.cutHost = t, c.host
	}
}

func (w *Watch) end(c *call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.peer(c.name).waiting, c)
}
