package serve

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/config"
	"github.com/siemfeed/siemfeed/pkg/format"
	"github.com/siemfeed/siemfeed/pkg/watch"
)

// Opener opens what a function works with, each part by the name of the
// variable that says where it is. What cannot be opened is a fault of that
// variable; all faults are reported at once, and then nothing stays open.
type Opener struct {
	ctx    context.Context // of the call that it was made in
	faults config.Faults
	close  []func() error
}

// NewOpener returns an opener for one call of a [New], which ctx is that of.
func NewOpener(ctx context.Context) *Opener { return &Opener{ctx: ctx} }

// askTime is how long a start may wait to hear whether objects can be created
// only once in a bucket.
const askTime = 5 * time.Second

// Bucket opens the bucket at url, which the variable called name gives, for what
// is created there only once: a bucket in which that does not hold is refused.
// That the store does not say, or may not be asked, is no fault of the
// configuration: the first such write tells.
func (o *Opener) Bucket(name, url string, opts ...bucket.Option) *bucket.Bucket {
	b := o.Source(name, url, opts...)
	if b == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(o.ctx, askTime)
	defer cancel()
	var versioned *bucket.VersionedError
	if err := b.CreateOnly(ctx); errors.As(err, &versioned) {
		o.faults.AddErr(name, err)
	}
	return b
}

// State is [Opener.Bucket] for what a function keeps there for itself: where a
// newer release has kept something, it refuses, see package format.
func (o *Opener) State(name, url string, opts ...bucket.Option) *bucket.Bucket {
	b := o.Bucket(name, url, opts...)
	if b != nil {
		format.Protect(b)
	}
	return b
}

// Source opens the bucket at url, which the variable called name gives, to read
// from it. The requests of either are watched under that name.
func (o *Opener) Source(name, url string, opts ...bucket.Option) *bucket.Bucket {
	opts = append(slices.Clone(opts), bucket.WithTransport(func(next http.RoundTripper) http.RoundTripper {
		return watch.Transport(watch.ByMethod(name), next)
	}))
	b, err := bucket.Open(o.ctx, url, opts...)
	if err != nil {
		o.faults.AddErr(name, err)
		return nil
	}
	o.close = append(o.close, b.Close)
	return b
}

// Add takes in a part that the variable called name configures and that was
// opened elsewhere: with err, or to be closed by end unless that is nil.
func (o *Opener) Add(name string, err error, end func() error) {
	o.faults.AddErr(name, err)
	if err == nil && end != nil {
		o.close = append(o.close, end)
	}
}

// Err returns all faults as one error, having closed what could be opened; or
// nil, when everything is open.
func (o *Opener) Err() error {
	if err := o.faults.Err(); err != nil {
		return errors.Join(err, o.Close())
	}
	return nil
}

// Close closes everything, the last first.
func (o *Opener) Close() error {
	var errs []error
	for _, end := range slices.Backward(o.close) {
		errs = append(errs, end())
	}
	o.close = nil
	return errors.Join(errs...)
}

// Built makes of what a function's own Open returns what [New] returns: with
// an error, no function rather than a nil pointer in the interface.
func Built[F Function](f F, err error) (Function, error) {
	if err != nil {
		return nil, err
	}
	return f, nil
}
