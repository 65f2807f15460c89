package rollup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"iter"
	"path"
	"sync"
	"time"

	"gocloud.dev/blob"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

const (
	// Abreast is how many receipts a Reader reads side by side, however many
	// days: a store answers a small read in tens of milliseconds.
	Abreast = 64
	// settles is how long after its end a day is rolled up: until then runs may
	// still leave receipts in it.
	settles = time.Hour
)

// Reader reads days of a function. It may read several at once.
type Reader struct {
	state    *bucket.Bucket
	function string
	o        Options
	slots    chan struct{} // one for each receipt that is being read

	// taken is called with each receipt that is read, from many goroutines, if it
	// is not nil.
	taken func(key string, saved time.Time, text []byte)

	mu      sync.Mutex
	done    int   // receipts
	notKept error // why roll-ups are not kept
}

// Options say how to read.
type Options struct {
	// Reread reads every receipt: no roll-up is taken or kept.
	Reread bool
	// Each lists every receipt with its hash, which needs every one read.
	Each bool
	// Progress is called with the receipts that are read or were rolled up, one
	// call after the other, if it is not nil.
	Progress func(receipts int)
}

// NewReader reads days of function, whose STATE_URL is state.
func NewReader(state *bucket.Bucket, function string, o Options) *Reader {
	o.Reread = o.Reread || o.Each
	return &Reader{state: state, function: function, o: o, slots: make(chan struct{}, Abreast)}
}

// NotKept says why roll-ups could not be kept, nil if they could: what was read
// is right all the same.
func (r *Reader) NotKept() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.notKept
}

// Day reads the day that begins at date, in UTC: from its roll-up, which costs a
// read and a list, or from its receipts, which costs a read for each.
func (r *Reader) Day(ctx context.Context, date time.Time) (Day, error) {
	if r.o.Reread || !over(date) {
		return r.read(ctx, date)
	}
	switch m, err := load(ctx, r.state, r.function, date); {
	case errors.Is(err, errNone):
	case err != nil:
		return Day{}, err
	default:
		l, err := r.listed(ctx, date)
		if err != nil {
			return Day{}, err
		}
		if l.digest() == m.Listed {
			r.progress(m.Runs)
			m.LastSaved, m.RolledUp, m.listed = l.saved, true, m.Listed
			return m.Day, nil
		}
	}
	return r.read(ctx, date)
}

// over tells whether no run leaves a receipt in a day any more.
func over(date time.Time) bool { return time.Now().After(date.AddDate(0, 0, 1).Add(settles)) }

// read reads the receipts of a day.
func (r *Reader) read(ctx context.Context, date time.Time) (Day, error) {
	d := Day{Date: date, each: r.o.Each}
	l := listing{sum: sha256.New()}
	err := inOrder(ctx, r.slots, l.of(r.list(ctx, date)), r.take, func(t taken) {
		if t.Name == "" {
			return // it was removed meanwhile
		}
		d.add(t)
		r.progress(1)
	})
	if err == nil {
		err = r.leaveEnded(ctx, &d)
	}
	if err != nil {
		return d, fmt.Errorf("receipts of %s: %w", date.Format(time.DateOnly), err)
	}
	d.close()
	d.listed, d.LastSaved = l.digest(), l.saved
	return d, nil
}

// take reads a receipt. One that is gone has no name.
func (r *Reader) take(ctx context.Context, o *blob.ListObject) (taken, error) {
	key := o.Key
	text, err := r.state.ReadAll(ctx, key)
	if err == nil && r.taken != nil {
		r.taken(key, o.ModTime, text)
	}
	switch {
	case bucket.IsNotFound(err):
		return taken{}, nil
	case bucket.IsObjectRefused(err):
		return refused(key, err), nil
	case err != nil:
		return taken{}, err
	}
	return take(key, text), nil
}

// Keep keeps the roll-up of a day that was read, if it is over, and unless its
// receipts have changed since.
func (r *Reader) Keep(ctx context.Context, d Day) error {
	if !r.keeps(d) || r.NotKept() != nil {
		return nil //nolint:nilerr // a store that refused once is not asked again, and what was read is right
	}
	now, err := r.listed(ctx, d.Date)
	if err != nil || now.digest() != d.listed {
		return err
	}
	return r.tried(ctx, save(ctx, r.state, r.function, d))
}

// keeps tells whether a day is to be rolled up.
func (r *Reader) keeps(d Day) bool { return !r.o.Reread && !d.RolledUp && d.Runs > 0 && over(d.Date) }

// Forget removes the roll-up of a day, whose receipts are to be read each time.
func (r *Reader) Forget(ctx context.Context, date time.Time) error {
	return r.tried(ctx, r.state.Remove(ctx, key(r.function, date)))
}

// tried takes note of a store that does not take what is to be kept: whoever may
// only read the state can read all the same.
func (r *Reader) tried(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notKept = err
	return nil
}

// leaveEnded leaves out of what was running those that have left a receipt since
// they ended, which is the one that counts: on the day, or on the one after.
func (r *Reader) leaveEnded(ctx context.Context, d *Day) error {
	for _, date := range []time.Time{d.Date, d.Date.Add(day)} {
		if len(d.running) == 0 {
			return nil
		}
		for o, err := range r.list(ctx, date) {
			if err != nil {
				return err
			}
			if n, err := receipt.NameOf(o.Key); err == nil && n.Ended() {
				delete(d.running, n.ID)
			}
		}
	}
	return nil
}

// list lists the receipts of a day.
func (r *Reader) list(ctx context.Context, date time.Time) iter.Seq2[*blob.ListObject, error] {
	return r.state.Objects(ctx, r.function+"/receipts/"+date.Format("2006/01/02/"))
}

// listed is what a list tells of the receipts of a day.
func (r *Reader) listed(ctx context.Context, date time.Time) (listing, error) {
	l := listing{sum: sha256.New()}
	for _, err := range l.of(r.list(ctx, date)) {
		if err != nil {
			return l, err
		}
	}
	return l, nil
}

// listing is what a list of receipts tells.
type listing struct {
	sum   hash.Hash // of their names and versions
	saved time.Time // when the last of them was saved
}

// of takes note of what is listed.
func (l *listing) of(list iter.Seq2[*blob.ListObject, error]) iter.Seq2[*blob.ListObject, error] {
	return func(yield func(*blob.ListObject, error) bool) {
		for o, err := range list {
			if err == nil {
				_, _ = fmt.Fprintf(l.sum, "%s %s\n", path.Base(o.Key), bucket.ListedVersion(o)) // a hash takes all
				if o.ModTime.After(l.saved) {
					l.saved = o.ModTime
				}
			}
			if !yield(o, err) || err != nil {
				return
			}
		}
	}
}

// digest is the SHA-256, in hex, of the names and versions.
func (l *listing) digest() string { return hex.EncodeToString(l.sum.Sum(nil)) }

func (r *Reader) progress(receipts int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done += receipts
	if r.o.Progress != nil && receipts > 0 {
		r.o.Progress(r.done)
	}
}
