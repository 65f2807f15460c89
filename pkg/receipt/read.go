package receipt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

// ReadSpan says which receipts to read.
type ReadSpan struct {
	// From has those of all runs read that may have been under way then or later;
	// zero means all.
	From time.Time
	// Pruned is the time before which receipts were removed on purpose.
	Pruned time.Time
}

// Read reads the kept receipts of function, as R, and looks whether their [Chain]
// is whole. Only the days since span.From are listed, so that the cost does not
// grow with a deployment's age. each is called for one after the other, in no
// order, once for each run; not with what is no receipt, or none any more, which is
// a finding.
func Read[R any](ctx context.Context, state *bucket.Bucket, function string, span ReadSpan, each func(R)) (FindingList, Chained, error) {
	r := reader{state: state, function: function}
	if from := span.From; !from.IsZero() {
		// Before they had ended, and in an earlier release, they lie by the day on
		// which a run began, which may be the one before.
		r.from = from.UTC().AddDate(0, 0, -1).Truncate(24 * time.Hour)
	}
	r.chain = NewChain(function, ChainSpan{Listed: r.from, From: span.From, Pruned: span.Pruned})
	var mu sync.Mutex
	err := r.read(ctx, func(key string, text []byte, intact bool) error {
		var v R
		if err := json.Unmarshal(text, &v); err != nil {
			if intact { // else that is a finding
				r.chain.unread(key, fmt.Errorf("it is no receipt: %w", err))
			}
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		each(v)
		return nil
	})
	if err != nil {
		return FindingList{}, Chained{}, err
	}
	return r.chain.Check(ctx, state)
}

// reader reads receipts.
type reader struct {
	state    *bucket.Bucket
	function string
	from     time.Time
	chain    *Chain
}

// read lists receipts and reads them, and calls each with one for each run.
func (r reader) read(ctx context.Context, each func(key string, text []byte, intact bool) error) error {
	list, err := r.list(ctx)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	gone := map[string]bool{} // runs whose receipt was there no more
	was := list.twins
	read := func(ctx context.Context, o kept) error {
		text, err := r.state.ReadAll(ctx, o.key)
		if bucket.IsNotFound(err) {
			mu.Lock()
			defer mu.Unlock()
			if n, err := NameOf(o.key); err == nil {
				gone[n.ID] = true
			}
			was[o.key] = true
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", o.key, err)
		}
		if intact := r.chain.Add(o.key, o.mod, text); !o.superseded {
			return each(o.key, text, intact)
		}
		return nil
	}
	for some := range list.drain() {
		if err := abreast(ctx, some, read); err != nil {
			return err
		}
	}
	if len(gone) > 0 {
		// The receipt of a run that was under way is replaced when it ends.
		again, err := r.list(ctx)
		if err != nil {
			return err
		}
		for some := range again.drain() {
			some = slices.DeleteFunc(some, func(o kept) bool {
				n, err := NameOf(o.key)
				return err != nil || was[o.key] || !gone[n.ID]
			})
			if err := abreast(ctx, some, read); err != nil {
				return err
			}
		}
	}
	return r.proofs(ctx)
}

func (r reader) list(ctx context.Context) (*keptList, error) {
	list := newKeptList(r.function)
	for o, err := range r.state.Days(ctx, folder(r.function), r.from, time.Time{}) {
		if err != nil {
			return nil, err
		}
		list.add(o.Key, o.ModTime)
	}
	list.supersede()
	return list, nil
}

// proofs tells the chain what verifications have seen.
func (r reader) proofs(ctx context.Context) error {
	var keys []string
	for o, err := range r.state.Days(ctx, r.function+"/verify/", r.from, time.Time{}) {
		if err != nil {
			return err
		}
		keys = append(keys, o.Key)
	}
	return abreast(ctx, keys, func(ctx context.Context, key string) error {
		text, err := r.state.ReadAll(ctx, key)
		if bucket.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		v, err := ReadVerification(text)
		if err != nil {
			r.chain.unread(key, fmt.Errorf("it is no verification: %w", err))
			return nil
		}
		r.chain.Expect(v.Verify.Receipts.Newest)
		return nil
	})
}

// abreast does something with each item of a list, many side by side: a store
// answers one small read in tens of milliseconds.
func abreast[T any](ctx context.Context, list []T, do func(context.Context, T) error) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(32)
	for _, item := range list {
		if gctx.Err() != nil {
			break // g.Wait says why
		}
		g.Go(func() error { return do(gctx, item) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return ctx.Err() // which may be all that ended it
}

// Oldest returns when the run began whose receipt is the oldest that is kept of
// function; zero if there is none.
func Oldest(ctx context.Context, state *bucket.Bucket, function string) (time.Time, error) {
	n, err := oldestName(ctx, state, function)
	if errors.Is(err, errNone) {
		return time.Time{}, nil
	}
	if err != nil || !n.Ended() {
		return n.At, err
	}
	text, err := state.ReadAll(ctx, n.Key(function))
	if err != nil {
		return time.Time{}, err
	}
	c := Core{StartedAt: n.At}
	_ = json.Unmarshal(text, &c) // what was altered is found where the chain is looked at
	return minTime(c.StartedAt, n.At), nil
}

// Began returns when that began whose name is id, which is made as that of a
// run.
func Began(id string) (time.Time, error) {
	stamped, _, _ := strings.Cut(id, "-")
	return time.Parse(stamp, stamped)
}
