package alitags

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// scope is all resources that can share a call: those of an account, a region
// and a type. It is guarded by the client's lock.
type scope struct {
	name    scopeName // as the first event wrote it
	folded  scopeName // its key among the scopes
	kind    *kind
	account *account
	records int // in memory

	queue   []*flight   // not sent yet, in order
	passed  int         // of them, those that nobody waits for any more
	timer   *time.Timer // of the first, while it waits for others
	blocked bool        // it has something to send, and may not yet
	running int
	sent    time.Time // when a group of it was sent last

	// down says that a lookup had no answer within its budget, nor had any other
	// meanwhile: until one has, lookups wait for a tenth of it.
	down  bool
	heard time.Time // when an answer came last
	// allowed says that some of its resources could be asked about; refused counts
	// those that could not since, each by itself.
	allowed bool
	refused int
	// nameless counts the tries in a row for which the endpoint had no address.
	nameless int
	// closed is what all resources come to until a time: the type is not known
	// there, or nobody may ask.
	closed      outcome
	closedUntil time.Time
}

type scopeName struct{ account, region, typ string }

// fold makes one name of those that differ only in how a type is written: one
// service says ACS::ECS::Instance, another ACS::Ecs::Instance.
func (n scopeName) fold() scopeName {
	n.typ = strings.ToLower(n.typ)
	return n
}

// idle tells whether nothing refers to the scope.
func (s *scope) idle() bool { return s.records == 0 && len(s.queue) == 0 && s.running == 0 }

// may tells whether a call can begin. While nobody knows whether there is an
// answer to be had, one call at a time finds out for all.
func (s *scope) may(now time.Time) bool {
	return s.account.may(now) && (s.running == 0 || s.allowed && !s.down)
}

// wasTried tells whether a lookup that began then had a chance: one that only
// waited for others to be through tells nothing of the scope.
func (s *scope) wasTried(began, now time.Time) bool {
	return s.running > 0 || !s.sent.Before(began) || !s.account.may(now)
}

// pass notes that nobody waits for one of the queue any more. While nothing can be
// sent there may be many of them.
func (s *scope) pass() {
	s.passed++
	if s.passed > 100 && s.passed > len(s.queue)/2 {
		s.queue = slices.DeleteFunc(s.queue, func(f *flight) bool { return f.live == 0 })
		s.passed = 0
	}
}

// take takes the next off the queue that somebody waits for, nil if there is none.
func (s *scope) take() *flight {
	s.trim()
	if len(s.queue) == 0 {
		return nil
	}
	f := s.queue[0]
	s.queue[0], s.queue = nil, s.queue[1:]
	return f
}

// trim takes those off the front of the queue that nobody waits for.
func (s *scope) trim() {
	for len(s.queue) > 0 && s.queue[0].live == 0 {
		s.queue[0], s.queue = nil, s.queue[1:]
		s.passed--
	}
}

// scopeOf finds the scope of a resource, or makes it.
func (c *Client) scopeOf(r Resource) *scope {
	if s := c.lookScope(r); s != nil {
		return s
	}
	if len(c.scopes) >= c.sweepAt {
		c.sweep()
	}
	name := scopeName{strings.Clone(r.Account), strings.Clone(r.Region), strings.Clone(r.Type)} // not the page they stand in
	s := &scope{name: name, folded: name.fold(), kind: kindOf(name.typ), account: c.accountOf(name.account)}
	c.scopes[s.folded], c.scopes[name] = s, s
	return s
}

// lookScope finds the scope of a resource, however its type is written; nil if
// there is none. It allocates nothing for what it has found before.
func (c *Client) lookScope(r Resource) *scope {
	name := scopeName{r.Account, r.Region, r.Type}
	if s := c.scopes[name]; s != nil {
		return s
	}
	folded := name.fold()
	if c.scopes[folded] != nil && len(c.scopes) >= c.sweepAt {
		c.sweep()
	}
	s := c.scopes[folded]
	if s != nil {
		c.scopes[scopeName{s.name.account, s.name.region, strings.Clone(r.Type)}] = s
	}
	return s
}

// sweep forgets scopes and accounts that nothing refers to, and in what other ways
// types are written: events may name any number of them.
func (c *Client) sweep() {
	maps.DeleteFunc(c.scopes, func(name scopeName, s *scope) bool { return s.idle() || name != s.folded })
	used := make(map[string]bool, len(c.accounts))
	for name := range c.scopes {
		used[name.account] = true
	}
	maps.DeleteFunc(c.accounts, func(id string, _ *account) bool { return !used[id] })
	c.sweepAt = max(leastScopes, 2*len(c.scopes))
}

// leastScopes are never swept.
const leastScopes = 1024

// accountOf finds an account, or makes it.
func (c *Client) accountOf(id string) *account {
	a := c.accounts[id]
	if a == nil {
		a = newAccount(id, id == c.opts.Account)
		c.accounts[id] = a
	}
	return a
}
