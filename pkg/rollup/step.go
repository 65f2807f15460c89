package rollup

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// daysAbreast is how many days are read side by side: of each a list, and its
// roll-up or its receipts.
const daysAbreast = 32

// step is a part of a span under way: some days, and the chain of those receipts
// that are read for it.
type step struct {
	*spanReader
	days  []Day // of the span's
	chain *receipt.Chain
	read  map[time.Time]bool // days whose receipts the chain has
	// broken are the days of which something is found that was not before.
	broken map[time.Time]bool
}

// readStep reads the days from to to of the span, without the last of these.
func (s *spanReader) readStep(ctx context.Context, from, to int) error {
	p := step{spanReader: s, days: s.days[from:to], read: map[time.Time]bool{}, broken: map[time.Time]bool{}}
	p.chain = receipt.NewChain(s.function, receipt.ChainSpan{
		Listed: s.days[0].Date, Pruned: s.span.Pruned,
		Skipped: func(date time.Time) (bool, time.Time) { return !p.read[date], s.saved[date] },
	})
	s.reader.taken = func(key string, saved time.Time, text []byte) { p.chain.Add(key, saved, text) }
	if err := p.each(ctx, func(ctx context.Context, d *Day) (err error) {
		*d, err = s.reader.Day(ctx, d.Date)
		s.progress(1, 0)
		return err
	}); err != nil {
		return err
	}
	for _, d := range p.days {
		p.read[d.Date], s.saved[d.Date] = !d.RolledUp, d.LastSaved
	}
	if s.span.toKeep && !slices.ContainsFunc(p.days, s.reader.keeps) {
		return nil
	}
	if err := p.readAround(ctx); err != nil {
		return err
	}
	if err := p.check(ctx); err != nil {
		return err
	}
	return p.keep(ctx)
}

// each does something with every day, many side by side.
func (p *step) each(ctx context.Context, do func(context.Context, *Day) error) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(daysAbreast)
	for i := range p.days {
		g.Go(func() error { return do(gctx, &p.days[i]) })
	}
	return g.Wait()
}

// readAround reads what has to be known of the days round those whose receipts
// were read: the next that has any, as receipts may be named there alone; and when
// the last of the day before was saved, which could name some of the first.
func (p *step) readAround(ctx context.Context) error {
	again := NewReader(p.state, p.function, Options{Reread: true})
	again.taken = p.reader.taken
	var last []time.Time // of what was read, before what was not
	for _, d := range p.days {
		if p.read[d.Date] && !p.read[d.Date.Add(day)] {
			last = append(last, d.Date)
		}
	}
	for _, date := range last {
		for range month { // a function may have been silent
			date = date.Add(day)
			if saved, known := p.saved[date]; known && saved.IsZero() {
				p.read[date] = true // there is none
				continue
			}
			d, err := again.Day(ctx, date)
			if err != nil {
				return err
			}
			p.read[date] = true
			if !d.LastSaved.IsZero() || date.After(time.Now()) {
				break
			}
		}
	}
	before := p.days[0].Date.Add(-day)
	if _, known := p.saved[before]; known || !p.read[p.days[0].Date] {
		return nil
	}
	l, err := again.listed(ctx, before)
	if err != nil {
		return err
	}
	if l.saved.IsZero() {
		p.read[before] = true // all there is
	} else {
		p.saved[before] = l.saved
	}
	return nil
}

// check finds out whether the chain is whole.
func (p *step) check(ctx context.Context) error {
	first, last := p.days[0].Date, p.days[len(p.days)-1].Date
	p.chain.Expect(slices.DeleteFunc(slices.Clone(p.span.Expect), func(name string) bool {
		n, err := receipt.ParseName(name)
		return err != nil || dateOf(n.At).Before(first) || dateOf(n.At).After(last)
	}))
	list, _, err := p.chain.Check(ctx, p.state)
	if err != nil {
		return err
	}
	p.more += list.Found - int64(len(list.Findings))
	for _, f := range list.Findings {
		// What is found of a day after these, which was read for what it names, may
		// have been found before.
		if date := p.folderOf(f); !slices.Contains(p.found[date], f) {
			p.found[date] = append(p.found[date], f)
			p.broken[date] = true
		}
	}
	return nil
}

// folderOf is the day in whose folder that lies which f is about.
func (p *step) folderOf(f receipt.Finding) time.Time {
	const layout = "2006/01/02"
	name := f.Where[min(len(f.Where), len(p.function+"/receipts/")):]
	date, _ := time.Parse(layout, name[:min(len(name), len(layout))]) // all that are read lie in one
	return date
}

// keep rolls up the days of which nothing is found, and sees to it that the
// others are not: what is found of them has to be found again.
func (p *step) keep(ctx context.Context) error {
	for date := range p.broken {
		if err := p.reader.Forget(ctx, date); err != nil {
			return err
		}
	}
	return p.each(ctx, func(ctx context.Context, d *Day) error {
		if len(p.found[d.Date]) > 0 {
			return nil
		}
		return p.reader.Keep(ctx, *d)
	})
}
