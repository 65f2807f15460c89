package muleaudit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/siemfeed/siemfeed/pkg/anypoint"
	"github.com/siemfeed/siemfeed/pkg/outcome"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

// walk reads a leg from its position on, page by page in order of time, and
// keeps what no object holds yet: as drafts, one a slice, that are committed when
// the walk is past the slice, when it has gone on for long, and when it ends.
//
// It is one query as long as the API keeps order. Where that is off by more than
// package order can put right, or an entry tells no time, what belongs to which
// slice cannot be told from the stream any more, and the walk goes on slice by
// slice, with a query for each, or for as much of one as a run can read.
//
// What comes in a page is taken in page.go, and made durable in commit.go.
type walk struct {
	f     *Function
	e     *export
	s     *leg
	ctx   context.Context // of the run
	after context.Context // until the run's last words
	until time.Time       // the end of the turn; zero for none

	q        interval // of the query
	alone    bool     // it is of one slice
	order    order
	drafts   []*draft // by slice
	writing  *draft   // the one with a part under way
	newest   int64    // ms of the newest entry
	disorder int64    // how far one was behind it, at most
	beyond   bool     // an entry was of what another walk has taken over
	received []arrival
	complete int            // of received, those of complete pages
	crowded  int            // from how many on received is looked through
	front    int64          // newest, at the end of the last complete page
	fresh    map[key]*draft // what was new in the page under way
	again    map[key]*draft // likewise, in attempts at it that broke off
	kept     time.Time      // when drafts were last committed

	in int64 // of drafts that were committed
}

// arrival is an entry that was received lately.
type arrival struct {
	ms  int64
	key key
}

// What a query ends for, besides its end.
var (
	errTurnOver  = errors.New("the turn is over")
	errPassed    = errors.New("the rest is another walk's")
	errIrregular = errors.New("the order of the entries does not tell the slice of each")
	errUnordered = errors.New("the entries are in no order")
)

// maxFresh is how many events a walk holds keys of before it commits.
const maxFresh = 200_000

// walk takes a turn at the leg, until it ends or the turn does.
func (f *Function) walk(ctx context.Context, s *leg, until time.Time) error {
	after, cancel := outcome.LastWords(ctx)
	defer cancel()
	var expired error
	for tries := 0; tries < maxTries; tries++ {
		w := &walk{f: f, e: s.e, s: s, ctx: ctx, after: after, until: until, alone: s.irregular, kept: time.Now()}
		w.order.write = w.write
		w.q = interval{s.position(), s.end()}
		if w.alone {
			w.q.To = earliest(w.q.To, sliceAt(s.e.org, w.q.From, f.cfg.Slice).To)
			s.pass(w.q.To.UnixMilli() - 1)
		}
		if w.q.empty() {
			return nil
		}
		if err := w.shorten(); err != nil {
			return err
		}
		switch err := w.read(); {
		case errors.Is(err, errIrregular):
			s.irregular = true
		case errors.Is(err, errUnordered):
			s.unordered = true
		case errors.Is(err, errOvertaken):
			s.days = nil
			if err := s.e.catchUp(ctx, s); err != nil {
				return err
			}
		case errors.Is(err, errTurnOver):
			return nil
		case isExpired(err): // a new query goes on from what this one has read
			if expired = err; s.position().After(w.q.From) {
				tries = -1
			}
			if !until.IsZero() && time.Now().After(until) {
				return nil
			}
		case err != nil:
			return err
		case !until.IsZero() && time.Now().After(until) || ctx.Err() != nil:
			return nil
		default: // of more than one slice, or cut short by another walk, there is more
			tries = -1
		}
	}
	if expired != nil {
		return fmt.Errorf("%s: %d queries came to nothing: %w", s, maxTries, expired)
	}
	return fmt.Errorf("%s: other runs exported the same events first, %d times over", s, maxTries)
}

// isExpired tells whether a query ended since the API took its cursor no more.
func isExpired(err error) bool {
	var refused *anypoint.Error
	return errors.As(err, &refused) && refused.Kind == anypoint.Expired
}

// shorten makes the query one that a run can read to its end, where the API keeps
// no order: then nothing of it counts before that.
func (w *walk) shorten() error {
	cfg := w.f.cfg
	most := int64(float64(cfg.RatePerMin)*cfg.RunTimeout.Minutes()/2) * int64(cfg.PageSize)
	for w.s.unordered && w.q.To.Sub(w.q.From) > time.Second {
		total, err := w.f.total(w.ctx, w.e.org, w.q)
		if err != nil || total <= most {
			return err
		}
		w.q.To = w.q.From.Add(w.q.To.Sub(w.q.From) / 2).Truncate(time.Millisecond)
	}
	return nil
}

// total asks how many entries the API has in q; -1 if it does not tell.
func (f *Function) total(ctx context.Context, org string, q interval) (int64, error) {
	n, err := f.api.Total(ctx, anypoint.Query{Org: org, From: q.From, To: q.To})
	var refused *anypoint.Error
	if errors.As(err, &refused) && refused.Kind == anypoint.Protocol && retry.IsPermanent(err) {
		return -1, nil
	}
	return n, err
}

// read makes one query, and commits what it brings. Without an error the query
// is read to its end, or to where another walk goes on.
func (w *walk) read() error {
	stats, err := w.f.api.Entries(w.ctx, anypoint.Query{Org: w.e.org, From: w.q.From, To: w.q.To}, w)
	to, err := w.end(err)
	if to.IsZero() {
		err = errors.Join(err, w.discard())
	} else if keepErr := w.commit(to, true); keepErr != nil {
		// What of them is not decided cannot be any more.
		err = errors.Join(keepErr, w.discard())
		if errors.Is(keepErr, errOvertaken) {
			err = errors.Join(errOvertaken, w.discard())
		}
	}
	total := w.in
	if err == nil && stats.Total >= 0 && to.Equal(w.q.To) {
		total = stats.Total - int64(stats.Outside)
	}
	w.e.count(stats, total)
	return err
}

// end decides up to where is read what a query that ended with err has read. It
// is zero where nothing of it counts.
func (w *walk) end(err error) (to time.Time, _ error) {
	var refused *anypoint.Error
	switch {
	case err == nil:
		return w.q.To, nil
	case errors.Is(err, errPassed):
		return earliest(w.q.To, w.s.end()), nil
	case errors.Is(err, errTurnOver), outcome.Late(w.ctx, err):
		return w.position(), err
	case !errors.As(err, &refused), refused.Kind == anypoint.Protocol:
		return time.Time{}, err // pages that contradict each other may all be wrong
	}
	return w.position(), err
}

// position is the time before which all was received in complete pages, as far
// as the API's order tells.
func (w *walk) position() time.Time {
	done := w.covered()
	if w.disorder > maxDisorder.Milliseconds() || w.front == 0 {
		return done
	}
	at := time.UnixMilli(w.front - w.disorder).UTC()
	if !at.After(done) && w.disorder > 0 {
		// More than a run can read may lie within the disorder. What is then passed
		// by is found by looking behind.
		at = done.Add(time.UnixMilli(w.front).Sub(done) / 2).Truncate(time.Millisecond)
	}
	return earliest(latest(at, done), earliest(w.q.To, w.s.end()))
}

// covered is up to where the walk has committed.
func (w *walk) covered() time.Time { return latest(w.q.From, w.s.position()) }
