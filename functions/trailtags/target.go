package trailtags

import (
	"context"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"time"

	"github.com/siemfeed/siemfeed/pkg/actiontrail"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/sls"
	"github.com/siemfeed/siemfeed/pkg/sls/consume"
)

// verifyTarget looks for each row that the verified events make, by eventId and
// resourceIndex, in the target and in quarantine, and compares what it says of its
// event. Tags may have changed since, so that nothing shows what they were: only
// that a row which was given some has any. What it holds is bounded: where
// there are more rows than rowsAtOnce, source and target are read several times,
// each for another part of the ids.
func (f *Function) verifyTarget(ctx context.Context, shards []consume.Verified) error {
	var logs int64
	for _, v := range shards {
		logs += v.Held
	}
	since, err := f.since(ctx, shards)
	if err != nil || logs == 0 {
		return err
	}
	aside, err := f.quarantined(ctx, since)
	if err != nil {
		return err
	}
	passes := uint64(logs/rowsAtOnce + 1) //nolint:gosec // a count
	for n := range passes {
		p := pass{f: f, n: n, of: passes, rows: map[string]*expected{}}
		if err := p.run(ctx, shards, since, aside); err != nil {
			return err
		}
	}
	return nil
}

const rowsAtOnce = 200_000

// rowKey names a row.
func rowKey(eventID string, index string) string { return eventID + " " + index }

// pass looks for one part of the rows.
type pass struct {
	f     *Function
	n, of uint64
	rows  map[string]*expected
	// oldest is when the target received the first of what it holds, zero if it
	// holds nothing.
	oldest time.Time
}

func (p *pass) mine(eventID []byte) bool { return maphash.Bytes(seed, eventID)%p.of == p.n }

func (p *pass) run(ctx context.Context, shards []consume.Verified, since time.Time, aside quarantined) error {
	for i, v := range shards {
		if err := p.expect(ctx, i, v); err != nil {
			return err
		}
	}
	if err := p.look(ctx, since); err != nil {
		return err
	}
	kinds := make([]struct{ missing, altered, waiting, doubled, expired []string }, len(shards))
	for key, e := range p.rows {
		k := &kinds[e.shard]
		switch object, waits := aside.pending[key]; {
		case e.altered > 0:
			k.altered = append(k.altered, key)
		case e.times == 0: // it stands for another, if it is there
		case e.found > e.times && !strings.HasPrefix(key, rowKey("", "")):
			k.doubled = append(k.doubled, key)
		case e.found >= e.times:
		case e.instead != nil && e.instead.found > 0:
		case aside.accepted[key]:
		case waits:
			k.waiting = append(k.waiting, key+" in "+object)
		case p.mayBeExpired(e):
			k.expired = append(k.expired, key)
		default:
			k.missing = append(k.missing, key)
		}
	}
	for i := range shards {
		k := &kinds[i]
		find(&shards[i], receipt.Missing, k.missing, "the target has no row of eventId and resourceIndex")
		find(&shards[i], receipt.Unknown, k.expired, "the target holds nothing as old as these rows would be, so that nothing shows whether they were written: eventId and resourceIndex")
		find(&shards[i], receipt.Altered, k.altered, "the target has a row that is not what its event makes: eventId and resourceIndex")
		find(&shards[i], receipt.Quarantined, k.waiting, "rows that SLS refused wait in quarantine: eventId and resourceIndex")
		find(&shards[i], receipt.Doubled, k.doubled, "the target has a row more than once, as after a kill or an answer that was lost: eventId and resourceIndex")
	}
	return nil
}

// shortestLife is the least that a logstore keeps logs for. Source: CreateLogStore,
// ttl.
const shortestLife = 24 * time.Hour

// mayBeExpired tells whether the target, which has no such row, would keep it no
// longer: it may do so for less time than the source.
func (p *pass) mayBeExpired(e *expected) bool {
	return !e.received.IsZero() && time.Since(e.received) > shortestLife && (p.oldest.IsZero() || e.received.Before(p.oldest))
}

// find adds a finding for keys, the first of which it names.
func find(v *consume.Verified, kind string, keys []string, what string) {
	if len(keys) == 0 {
		return
	}
	slices.Sort(keys)
	detail := what + " " + keys[0]
	if more := len(keys) - 1; more > 0 {
		detail += fmt.Sprintf(", and %d more", more)
	}
	v.Findings = append(v.Findings, receipt.Finding{Kind: kind, Where: fmt.Sprint("shard ", v.Shard), Detail: detail})
}

// expect reads the source for the rows that should be there.
func (p *pass) expect(ctx context.Context, shard int, v consume.Verified) error {
	var d actiontrail.Decoder
	return eachLog(ctx, p.f.Source(), p.f.asRead(v.Shard, v.From, v.To), func(page *sls.Page, g *sls.Group, l *sls.Log) {
		if !p.f.Keeps(g.Topic) {
			return
		}
		text, found := eventOf(l.Contents)
		if !found {
			return
		}
		e, err := d.Decode(text)
		if err != nil || !p.mine(e.Get(actiontrail.ID)) {
			return // it is in quarantine as a whole, which the receipts count
		}
		if _, drop := p.f.filter.drops(e); drop {
			return
		}
		p.expectRows(shard, e, page.Received)
	})
}

// look reads the target.
func (p *pass) look(ctx context.Context, since time.Time) error {
	shards, err := p.f.target.Shards(ctx)
	if err != nil {
		return fmt.Errorf("target: %w", err)
	}
	var c contents
	clash := p.f.mayClash()
	for _, s := range shards {
		from, err := p.f.target.CursorAt(ctx, s.ID, since)
		if err != nil {
			return fmt.Errorf("target: %w", err)
		}
		to, err := p.f.target.Cursor(ctx, s.ID, sls.End)
		if err != nil {
			return fmt.Errorf("target: %w", err)
		}
		if err := p.lookOldest(ctx, s.ID, to); err != nil {
			return fmt.Errorf("target: %w", err)
		}
		err = eachLog(ctx, p.f.target, sls.PullRequest{Shard: s.ID, Cursor: from, End: to}, func(_ *sls.Page, _ *sls.Group, l *sls.Log) {
			c.read(l.Contents)
			e := p.rows[rowKey(string(c.id()), string(c.index))]
			switch {
			case e == nil:
			case e.is(&c) && (c.tags > 0 || !tagged(c.status) || clash):
				e.found++
			case len(c.id()) > 0: // else it may be of any event without one
				e.altered++
			}
		})
		if err != nil {
			return fmt.Errorf("target: %w", err)
		}
	}
	return nil
}

// lookOldest looks when a shard of the target received the first of what it holds.
func (p *pass) lookOldest(ctx context.Context, shard int, end string) error {
	begin, err := p.f.target.Cursor(ctx, shard, sls.Begin)
	if err != nil || begin == end {
		return err
	}
	at, err := p.f.target.CursorTime(ctx, shard, begin)
	if sls.IsInvalidCursor(err) {
		return nil // it went just now: other shards say more
	}
	if err == nil && (p.oldest.IsZero() || at.Before(p.oldest)) {
		p.oldest = at
	}
	return err
}

// asRead asks for what lies between two cursors of the source as a run reads it,
// filtered by the service.
func (f *Function) asRead(shard int, from, to string) sls.PullRequest {
	return sls.PullRequest{Shard: shard, Cursor: from, End: to, Query: f.cfg.Query, ConsumeProcessor: f.cfg.Processor}
}

// eachLog calls f for the logs that a request asks for, pull by pull.
func eachLog(ctx context.Context, c *sls.Client, r sls.PullRequest, f func(*sls.Page, *sls.Group, *sls.Log)) error {
	var g sls.Group
	var l sls.Log
	for r.Cursor != r.End {
		page, err := c.Pull(ctx, r)
		if err != nil {
			return err
		}
		groups := page.Groups()
		for groups.Next(&g) {
			logs := g.Reader()
			for logs.Next(&l) {
				f(page, &g, &l)
			}
		}
		next := page.Next
		page.Release()
		if next == r.Cursor {
			return nil // nothing is left before the end
		}
		r.Cursor = next
	}
	return nil
}

// since is when the first of the verified logs was received: no row was written
// before. It is zero where there is none.
func (f *Function) since(ctx context.Context, shards []consume.Verified) (first time.Time, err error) {
	for _, v := range shards {
		if v.From == v.To {
			continue
		}
		at, err := f.Source().CursorTime(ctx, v.Shard, v.From)
		if sls.IsInvalidCursor(err) {
			continue // kept no longer, which is a finding already
		}
		if err != nil {
			return first, err
		}
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	return first, nil
}
