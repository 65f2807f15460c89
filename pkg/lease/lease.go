// Package lease lets one run at a time hold a name, in a bucket that can do no
// more than create an object if it is not there, delete and list.
//
// A lease is a [bucket.Series] of terms; the latest counts. To take or to renew
// it is to append the next number, which only one caller can. So a holder that
// was away for too long learns from its next renewal that another has gone on
// from its number, and [Lease.Err] has told it before that by the clock: a
// holder trusts a lease for three quarters of its term, others respect it for
// all of it. The quarter in between is for clocks that disagree and requests
// that are under way.
package lease

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

// ErrLost is why the context of a lease ends that is no longer held.
var ErrLost = errors.New("the lease is lost")

// Held is the error of [Acquire] while another holds the lease.
type Held struct {
	By    string    // the other holder
	Until time.Time // when it lapses unless it is renewed
}

func (h *Held) Error() string {
	return fmt.Sprintf("%s holds the lease until %s", h.By, h.Until.UTC().Format(time.RFC3339))
}

// digits is the form of a term's number.
var digits = bucket.Digits(20)

// term is one object of the series.
type term struct {
	Holder   string    `json:"holder"`
	Expires  time.Time `json:"expires"`
	Released bool      `json:"released,omitempty"`
}

// Lease is a lease that is held, and renewed until [Lease.Release].
type Lease struct {
	terms  bucket.Series
	ttl    time.Duration
	holder string

	ctx  context.Context
	lose context.CancelCauseFunc
	stop chan struct{}
	done chan struct{}

	mu     sync.Mutex
	number uint64
	until  time.Time // what the holder itself may rely on
}

// Acquire takes the lease whose objects begin with prefix. holder has to be
// unique: it names this run to others, and tells its own objects from theirs.
// The error is a [*Held] if another holds the lease; ctx is for the attempt
// only. After a holder that was killed, the lease lapses within ttl.
func Acquire(ctx context.Context, b *bucket.Bucket, prefix, holder string, ttl time.Duration) (*Lease, error) {
	terms := b.Series(prefix, digits)
	var last term
	number, err := terms.Latest(ctx, &last)
	if err != nil {
		return nil, fmt.Errorf("lease: %w", err)
	}
	if number > 0 && !last.Released && time.Now().Before(last.Expires) {
		return nil, &Held{last.Holder, last.Expires}
	}
	own, lose := context.WithCancelCause(context.WithoutCancel(ctx))
	l := &Lease{
		terms: terms, ttl: ttl, holder: holder, lose: lose,
		stop: make(chan struct{}), done: make(chan struct{}), number: number,
	}
	l.ctx = context.WithValue(own, contextKey{}, l)
	if err := l.next(ctx, l.term()); err != nil {
		lose(err)
		if !errors.Is(err, ErrLost) {
			return nil, err
		}
		// Another was quicker.
		var winner term
		if _, err := terms.Latest(ctx, &winner); err != nil {
			return nil, fmt.Errorf("lease: %w", err)
		}
		return nil, &Held{winner.Holder, winner.Expires}
	}
	go l.keep()
	return l, nil
}

// Context ends, with [ErrLost] as its cause, when the lease is lost; it has the
// values of Acquire's context.
func (l *Lease) Context() context.Context { return l.ctx }

// Err returns nil while the lease can be relied on. It looks at the clock and
// so notices also that the process itself stood still.
func (l *Lease) Err() error {
	if l.ctx.Err() != nil {
		return context.Cause(l.ctx)
	}
	l.mu.Lock()
	until := l.until
	l.mu.Unlock()
	// The monotonic clock may stand still with the machine, the wall clock may
	// be set back.
	now := time.Now()
	if now.After(until) || now.Round(0).After(until.Round(0)) {
		err := fmt.Errorf("%w: it could not be renewed in time", ErrLost)
		l.lose(err)
		return err
	}
	return nil
}

// Release ends the renewals and gives the lease back, so that the next run need
// not wait for it to lapse.
func (l *Lease) Release(ctx context.Context) error {
	close(l.stop)
	<-l.done
	if err := l.Err(); err != nil {
		return err
	}
	l.lose(context.Canceled)
	return l.next(ctx, term{Holder: l.holder, Expires: time.Now().UTC(), Released: true})
}

func (l *Lease) term() term {
	return term{Holder: l.holder, Expires: time.Now().UTC().Add(l.ttl).Round(0)}
}

// keep renews the lease at a quarter of its term, and when that fails more
// often until it is lost.
func (l *Lease) keep() {
	defer close(l.done)
	wait := l.ttl / 4
	var t term // kept as it is until its fate is known: see bucket.Series
	for {
		timer := time.NewTimer(wait)
		select {
		case <-l.stop:
			timer.Stop()
			return
		case <-timer.C:
		}
		if l.Err() != nil {
			return
		}
		if t.Holder == "" {
			t = l.term()
		}
		ctx, cancel := context.WithTimeout(l.ctx, l.ttl/4)
		err := l.next(ctx, t)
		cancel()
		switch {
		case err == nil:
			t, wait = term{}, l.ttl/4
		case errors.Is(err, ErrLost):
			l.lose(err)
			return
		default:
			wait = l.ttl / 16
		}
	}
}

// next appends the next term. ErrLost means that another did, or that the
// series has gone on.
func (l *Lease) next(ctx context.Context, t term) error {
	number := l.number + 1
	err := l.terms.Replace(ctx, number, t)
	if errors.Is(err, bucket.ErrExists) {
		return l.lostTo(ctx)
	}
	if err != nil {
		return fmt.Errorf("lease: %w", err)
	}
	l.mu.Lock()
	// Counted from now, for the monotonic reading that a document's time lacks.
	l.number, l.until = number, time.Now().Add(time.Until(t.Expires)-l.ttl/4)
	l.mu.Unlock()
	return nil
}

func (l *Lease) lostTo(ctx context.Context) error {
	var last term
	if _, err := l.terms.Latest(ctx, &last); err == nil && last.Holder != "" {
		return fmt.Errorf("%w: %s has it now", ErrLost, last.Holder)
	}
	return ErrLost
}

type contextKey struct{}

// Check returns an error, permanent, if ctx comes from the [Lease.Context] of a
// lease that cannot be relied on any more. Asked right before each thing that
// only the holder may do, it is the fence around it.
func Check(ctx context.Context) error {
	l, ok := ctx.Value(contextKey{}).(*Lease)
	if !ok {
		return nil
	}
	return retry.Permanent(l.Err())
}
