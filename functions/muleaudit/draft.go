package muleaudit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/outcome"
)

// draft is what a walk has read of one slice and no manifest names yet.
type draft struct {
	slice
	from   time.Time // of the slice, before it all is committed
	known  *exported // before this draft
	fresh  keys      // what this draft has besides
	parts  parts
	reject rejects

	oldest, newest time.Time // of the events with a time, zero if there is none
	total          tally     // of pages that were complete
	page           tally     // of the page under way
	late, untimed  int64
	pages          int
	seen           int64     // entries of the slice that are not in its receipt yet
	since          time.Time // from where on they are

	// Of entries that tell no time: see export.isElsewhere.
	strays   int  // how many were asked about
	beside   keys // what the slices beside hold
	besideAt int  // when that was read
}

// tally counts entries, each for itself and where it happens: what is received
// is what is exported, known or set aside.
type tally struct {
	in, known int64
}

func (t *tally) add(other tally) {
	t.in += other.in
	t.known += other.known
}

// covers notes that the draft holds something of the time at.
func (d *draft) covers(at time.Time) {
	if d.oldest.IsZero() || at.Before(d.oldest) {
		d.oldest = at
	}
	d.newest = latest(d.newest, at)
}

// errOvertaken says that another run has exported what a draft holds.
var errOvertaken = errors.New("another run exported the same events first")

// maxTries is how often another run may be quicker. Each time it is, it makes
// progress.
const maxTries = 10

// commit decides that the draft's events are in its objects, and publishes
// these: see manifest. read is what the draft may hold.
func (d *draft) commit(ctx context.Context, f *Function, run string, st orgState, read interval) ([]part, error) {
	done, err := d.parts.finish()
	if err != nil {
		return nil, err
	}
	if err := d.reject.write(); err != nil {
		return nil, err
	}
	if len(d.fresh) == 0 {
		return nil, nil
	}
	ctx, cancel := outcome.LastWords(ctx)
	defer cancel()
	if err := st.mark(ctx, d.known.day, d.slice); err != nil {
		return nil, err
	}
	m := manifest{Run: run, Org: d.org, Start: d.From, End: d.To, From: read.From, To: read.To, Parts: done, Rejected: d.reject.staged}
	series := st.manifestsOf(d.From)
	for range maxTries {
		n := d.known.last + 1
		for i := range done {
			done[i].Name = d.objectName(d.known.parts + i + 1)
		}
		// The mark comes first: a manifest without one would not be found again
		// if we were killed before it is published. It is only ever created, as
		// to replace another run's would leave a moment without it.
		err := st.state.CreateJSON(ctx, st.pendingPath(d.From, n), map[string]string{"run": run})
		if err != nil && !errors.Is(err, bucket.ErrExists) {
			return nil, err
		}
		data, err := m.encode(d.fresh)
		if err != nil {
			return nil, err
		}
		if err := st.othersExported(ctx, d.known.day, d.slice); err != nil {
			return nil, err
		}
		// Every manifest counts, not the last one alone, and none is ever removed that
		// another may come after: what was created is decided, however long ago.
		err = st.state.CreateBytes(ctx, series.Key(n), data, "application/octet-stream")
		if errors.Is(err, bucket.ErrExists) {
			if err := d.meet(ctx, f, st, series, read); err != nil {
				return nil, err
			}
			continue
		}
		d.parts.done, d.reject.staged = nil, nil // perhaps named, even if err says otherwise
		if err != nil {
			return nil, err
		}
		d.known.add(n, m)
		return done, f.publish(ctx, st, series.Key(n), m)
	}
	return nil, fmt.Errorf("%s: another run exported of this slice first, %d times over", d.slice, maxTries)
}

// meet learns what other runs have exported of the slice meanwhile, and sees it
// through. It is errOvertaken if the draft holds of the same.
func (d *draft) meet(ctx context.Context, f *Function, st orgState, series bucket.Series, read interval) error {
	for n, err := range series.Range(ctx, d.known.last+1) {
		if err != nil {
			return err
		}
		theirs := keys{}
		m, err := readManifest(ctx, st.state, series.Key(n), theirs)
		if err != nil {
			return err
		}
		if err := f.publish(ctx, st, series.Key(n), m); err != nil {
			return err
		}
		d.known.add(n, m)
		for k := range theirs {
			if d.fresh.has(k) {
				return errOvertaken
			}
		}
		// What goes on in the slice behind this draft knows it from here, too.
		if m.near(interval{read.From, latest(read.To, d.To)}) {
			d.known.held = append(d.known.held, keyFile{interval{m.From, m.To}, series.Key(n), theirs})
		}
	}
	return nil
}

// discard removes what no manifest names.
func (d *draft) discard(ctx context.Context) error {
	// The walk may end because its time has; tidying up must not. What it does not
	// get done, a later run will.
	ctx, cancel := outcome.LastWords(ctx)
	defer cancel()
	return errors.Join(d.parts.discard(ctx), d.reject.discard(ctx))
}
