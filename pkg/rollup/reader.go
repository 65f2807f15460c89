package rollup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
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
	// Taken is called with each receipt that is read, from many goroutines, if it
	// is not nil.
	Taken func(key string, saved time.Time, text []byte)
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

// Day reads the day that begins at date, in UTC. rolled tells that it was taken
// from its roll-up, which costs a read and a list; else it costs a read for each
// receipt, and its roll-up is kept if it is over.
func (r *Reader) Day(ctx context.Context, date time.Time) (d Day, rolled bool, err error) {
	over := time.Now().After(date.AddDate(0, 0, 1).Add(settles))
	if r.o.Reread || !over {
		d, _, err = r.read(ctx, date)
		return d, false, err
	}
	switch m, err := load(ctx, r.state, r.function, date); {
	case errors.Is(err, errNone):
	case err != nil:
		return d, false, err
	default:
		listed, saved, err := r.listed(ctx, date)
		if err != nil {
			return d, false, err
		}
		if listed == m.Listed {
			r.progress(m.Runs)
			m.LastSaved = saved
			return m.Day, true, nil
		}
	}
	d, listed, err := r.read(ctx, date)
	if err != nil || d.Runs == 0 {
		return d, false, err
	}
	return d, false, r.keep(ctx, d, listed)
}

// read reads the receipts of a day, and returns what a list said of them just
// before.
func (r *Reader) read(ctx context.Context, date time.Time) (Day, string, error) {
	d := Day{Date: date, each: r.o.Each}
	sum := sha256.New()
	superseded, saved, err := r.superseded(ctx, date)
	if err != nil {
		return d, "", err
	}
	d.LastSaved = saved
	err = inOrder(ctx, r.slots, r.list(ctx, date, sum), r.take, func(t taken) {
		if t.Name == "" {
			return // it was removed meanwhile
		}
		t.superseded = superseded[t.Name]
		d.add(t)
		r.progress(1)
	})
	if err != nil {
		return d, "", fmt.Errorf("receipts of %s: %w", date.Format(time.DateOnly), err)
	}
	d.close()
	return d, hex.EncodeToString(sum.Sum(nil)), nil
}

// take reads a receipt. One that is gone has no name.
func (r *Reader) take(ctx context.Context, o *blob.ListObject) (taken, error) {
	key := o.Key
	text, err := r.state.ReadAll(ctx, key)
	if err == nil && r.o.Taken != nil {
		r.o.Taken(key, o.ModTime, text)
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

// keep keeps the roll-up of d, which was read after listed had been, unless the
// receipts changed since.
func (r *Reader) keep(ctx context.Context, d Day, listed string) error {
	if r.NotKept() != nil {
		return nil //nolint:nilerr // a store that refused once is not asked again, and what was read is right
	}
	now, _, err := r.listed(ctx, d.Date)
	if err != nil || now != listed {
		return err
	}
	if err := save(ctx, r.state, r.function, listed, d); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r.mu.Lock()
		r.notKept = err // whoever may only read the state can read all the same
		r.mu.Unlock()
	}
	return nil
}

// listed is the SHA-256, in hex, of what a list tells of the receipts of a day, and
// when the last of them was saved.
func (r *Reader) listed(ctx context.Context, date time.Time) (digest string, saved time.Time, err error) {
	sum := sha256.New()
	for o, err := range r.list(ctx, date, sum) {
		if err != nil {
			return "", saved, err
		}
		if o.ModTime.After(saved) {
			saved = o.ModTime
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), saved, nil
}

// superseded returns the names of receipts that runs kept before they had ended,
// of a day on which they have; and when the last of the day's was saved.
func (r *Reader) superseded(ctx context.Context, date time.Time) (ended map[string]bool, saved time.Time, err error) {
	running, ended := map[string]string{}, map[string]bool{}
	for o, err := range r.list(ctx, date, io.Discard) {
		if err != nil {
			return nil, saved, err
		}
		if o.ModTime.After(saved) {
			saved = o.ModTime
		}
		n, err := receipt.NameOf(o.Key)
		if err != nil {
			continue
		}
		if !n.Ended() {
			running[n.ID] = path.Base(o.Key)
		} else if name, ok := running[n.ID]; ok {
			ended[name] = true
		}
	}
	return ended, saved, nil
}

// Forget removes the roll-up of a day, whose receipts are to be read each time.
func (r *Reader) Forget(ctx context.Context, date time.Time) error {
	return r.state.Remove(ctx, key(r.function, date))
}

// list lists the receipts of a day, and writes their names and versions to sum.
func (r *Reader) list(ctx context.Context, date time.Time, sum io.Writer) iter.Seq2[*blob.ListObject, error] {
	return func(yield func(*blob.ListObject, error) bool) {
		for o, err := range r.state.Objects(ctx, r.function+"/receipts/"+date.Format("2006/01/02/")) {
			if err != nil {
				yield(nil, err)
				return
			}
			_, _ = fmt.Fprintf(sum, "%s %s\n", path.Base(o.Key), bucket.ListedVersion(o)) // a hash takes all
			if !yield(o, nil) {
				return
			}
		}
	}
}

func (r *Reader) progress(receipts int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done += receipts
	if r.o.Progress != nil && receipts > 0 {
		r.o.Progress(r.done)
	}
}
