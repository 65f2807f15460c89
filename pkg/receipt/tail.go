package receipt

import (
	"context"
	"errors"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

// tail finds the receipts of a function's runs that ended last.
type tail struct {
	state    *bucket.Bucket
	function string
}

const (
	// mostListed is how many keys are listed in one go: what a store gives for a
	// request.
	mostListed = 1000
	// leastBack is how far back is looked at least, however many there are, and
	// mostBack how many keys these may be. Above a thousand runs in a quarter of
	// an hour, clocks may differ by no more than that instead of [skew].
	leastBack = 20 * time.Second
	mostBack  = 5000
)

// tailList are the receipts that ended from a moment on.
type tailList struct {
	ended []saved
	from  time.Time
	// narrowed tells that there were too many from the moment on that was asked
	// for.
	narrowed bool
}

// lastHours lists those that ended from two hours before end on.
func (t tail) lastHours(ctx context.Context, end time.Time) (tailList, error) {
	return t.since(ctx, end.Add(-2*time.Hour), end)
}

// dayBefore lists those that ended from 26 hours before end on: a function may
// run once a day.
func (t tail) dayBefore(ctx context.Context, end time.Time) (tailList, error) {
	return t.since(ctx, end.Add(-26*time.Hour), end)
}

// earlier lists those that ended on the last day on which any did. It looks at
// a few days that have receipts of others only: of runs that were killed, or of a
// release that did not name them so.
func (t tail) earlier(ctx context.Context, end time.Time) (tailList, error) {
	before := folder(t.function) + end.UTC().AddDate(0, 0, 1).Format("2006/01/02/")
	for range 3 {
		last, err := t.state.LastDay(ctx, folder(t.function), before)
		if err != nil || last == "" {
			return tailList{}, err
		}
		day, err := time.Parse("2006/01/02/", last[len(folder(t.function)):])
		if err != nil {
			return tailList{}, nil //nolint:nilerr // it only looks like a day
		}
		if list, err := t.since(ctx, day.Add(-2*skew), day.AddDate(0, 0, 1)); err != nil || len(list.ended) > 0 {
			return list, err
		}
		before = last
	}
	return tailList{}, nil
}

// errCrowded says that the last receipts could not be found among very many.
var errCrowded = errors.New("the last receipts could not be found in forty lists")

// since lists those that ended from from on. If they are more than fit in a
// page, it begins nearer to end: where three quarters of a page should be left if
// they came evenly, and after that halfway between where there are too many
// and where there are none.
func (t tail) since(ctx context.Context, from, end time.Time) (tailList, error) {
	var crowded, none time.Time
	for range 40 {
		most := mostListed
		if end.Sub(from) <= leastBack {
			most = mostBack
		}
		p, err := t.page(ctx, from, most)
		switch {
		case err != nil:
			return tailList{}, err
		case p.more:
			crowded = p.last
		case p.keys == 0 && !crowded.IsZero():
			none = from
		default:
			list, err := t.least(ctx, from, crowded, p)
			return tailList{list, from, !crowded.IsZero()}, err
		}
		if none.IsZero() {
			fitting := p.last.Sub(p.first) / time.Duration(p.keys) * mostListed * 3 / 4
			from = maxTime(crowded.Add(time.Millisecond), minTime(end.Add(-leastBack), end.Add(-fitting)))
			continue
		}
		from = crowded.Add(none.Sub(crowded) / 2)
	}
	return tailList{}, errCrowded
}

// least returns what is on page p, which begins at from, and what is before it
// where that is less than has to be looked at; there is more of it if crowded is
// set.
func (t tail) least(ctx context.Context, from, crowded time.Time, p page) ([]saved, error) {
	begin := p.last.Add(-leastBack)
	if crowded.IsZero() || !begin.Before(from) {
		return p.ended, nil
	}
	longer, err := t.page(ctx, begin, mostBack)
	if err != nil || longer.more {
		return p.ended, err
	}
	return longer.ended, nil
}

// page is what is listed from a moment on, up to a number of keys.
type page struct {
	ended       []saved
	keys        int // also those of other receipts
	first, last time.Time
	more        bool // there are some after last
}

func (t tail) page(ctx context.Context, from time.Time, most int) (p page, err error) {
	for o, err := range t.state.Since(ctx, folder(t.function), from, from.UTC().Format(stamp)) {
		if err != nil {
			return p, err
		}
		n, err := NameOf(o.Key)
		if err != nil {
			continue // no receipt
		}
		if p.keys == most {
			p.more = true
			break
		}
		if p.keys == 0 {
			p.first = n.At
		}
		p.keys, p.last = p.keys+1, n.At
		if n.Ended() {
			p.ended = append(p.ended, saved{n, o.ModTime})
		}
	}
	return p, nil
}
