package alitags

import (
	"errors"
	"math/rand/v2"
	"time"
)

// result is what one id came to; unasked, if that is not known.
type result struct {
	outcome outcome
	tags    Tags
}

// ask fills in what the group's ids came to, or those of them before the error.
func (c *Client) ask(g *group, results []result) error {
	ids := make([]string, len(g.flights))
	for i, f := range g.flights {
		ids[i] = f.key.id
	}
	return c.divide(g, ids, results)
}

// divide asks about ids, and where they are refused together, about fewer: one
// bad id must not spoil the rest.
func (c *Client) divide(g *group, ids []string, results []result) error {
	if o, ok := c.isClosed(g.scope); ok {
		if o == noEndpoint {
			return errNoEndpoint
		}
		fill(results, o)
		return nil
	}
	found, err := c.attempts(g, ids)
	if err == nil {
		c.taken(g.scope)
		for i, id := range ids {
			results[i] = result{outcome: gaveNone}
			if tags := found[id]; len(tags) > 0 {
				results[i] = result{gave, MakeTags(tags)}
			}
		}
		return nil
	}
	said := meaning(err)
	switch {
	case said == unasked:
		return err
	case errors.Is(err, errDenied), said == wasUnsupported: // of all alike
		c.close(g.scope, said, results)
		return nil
	case len(ids) == 1:
		results[0].outcome = said
		if said != knewNot && c.refusedAlone(g.scope) {
			c.close(g.scope, said, results)
		}
		return nil
	case (said == wasDenied || said == wasRefused) && len(ids) > probes && !c.isAllowed(g.scope):
		if all, err := c.probe(g, ids, results, said); all || err != nil {
			return err
		}
	}
	half := len(ids) / 2
	if err := c.divide(g, ids[:half], results[:half]); err != nil {
		return err
	}
	return c.divide(g, ids[half:], results[half:])
}

// errNoEndpoint says that a scope has nobody to ask.
var errNoEndpoint = errors.New("the endpoint has no address")

// meaning is what a refusal makes of the ids it is about; unasked, if it is none.
func meaning(err error) outcome {
	if errors.Is(err, errDenied) {
		return wasDenied
	}
	if IsFault(err) {
		return unasked
	}
	switch judge(err) {
	case denied:
		return wasDenied
	case unsupported:
		return wasUnsupported
	case missing:
		return knewNot
	case refused:
		return wasRefused
	}
	return unasked
}

// probes is how many ids are asked about alone before a refusal is taken for one
// of everything.
const probes = 8

// probe finds out whether a refusal is of a few resources or of the whole scope,
// where none could ever be asked about: if some that chance picks are refused
// alone too, so are all. To divide every group down to its ids would cost more
// than not to group them.
func (c *Client) probe(g *group, ids []string, results []result, said outcome) (all bool, err error) {
	for _, i := range rand.Perm(len(ids))[:probes] {
		if err := c.divide(g, ids[i:i+1], results[i:i+1]); err != nil {
			return false, err
		}
		if results[i].outcome != said {
			return false, nil
		}
	}
	c.close(g.scope, said, results)
	return true, nil
}

// taken notes that resources of the scope can be asked about.
func (c *Client) taken(s *scope) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.allowed, s.refused = true, 0
}

// refusedAlone notes that one cannot, and tells whether that is enough of them,
// with none in between that can, to call off the search: what was allowed once may
// not be any more.
func (c *Client) refusedAlone(s *scope) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.refused++
	return s.refused >= mostRefused
}

// mostRefused is a group's worth.
const mostRefused = 50

func (c *Client) isAllowed(s *scope) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return s.allowed
}

func fill(results []result, o outcome) {
	for i := range results {
		results[i] = result{outcome: o}
	}
}

// close gives all of a scope the same answer, also to those that are looked up
// for a while.
func (c *Client) close(s *scope, o outcome, results []result) {
	if o == wasRefused && s.kind.API == tagAPI {
		o = wasUnsupported // there is no such ARN
	}
	fill(results, o)
	c.mu.Lock()
	defer c.mu.Unlock()
	s.allowed, s.refused = false, 0
	s.closed, s.closedUntil = o, time.Now().Add(c.jittered())
}

func (c *Client) isClosed(s *scope) (outcome, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return s.closed, time.Now().Before(s.closedUntil)
}
