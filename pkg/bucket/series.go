package bucket

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/siemfeed/siemfeed/pkg/retry"
)

// Series is a numbered series of small objects that are only ever created, and
// of which the latest counts: what a bucket has in place of a value that
// several processes change. A number need not follow the one before it.
//
// What is still there is bounded by who trims it, and so is what a list of it
// costs: one request for a thousand objects.
type Series struct {
	store  seriesStore
	prefix string
	form   Numbers
}

// seriesStore is what a series asks of its bucket.
type seriesStore interface {
	CreateBytes(ctx context.Context, key string, data []byte, contentType string) error
	ReadJSON(ctx context.Context, key string, v any) error
	Keys(ctx context.Context, prefix string) ([]string, error)
	Remove(ctx context.Context, key string) error
}

// Numbers is how a series writes its numbers in the names of its objects.
// Names sort as the numbers do.
type Numbers struct {
	// Name writes a number.
	Name func(n uint64) string
	// Number reads a name; what it makes of one that Name does not write is
	// refused.
	Number func(name string) (uint64, error)
}

// Digits writes numbers in decimal, as many digits as width says.
func Digits(width int) Numbers {
	return Numbers{
		Name: func(n uint64) string { return fmt.Sprintf("%0*d", width, n) },
		Number: func(name string) (uint64, error) {
			if len(name) != width { // it would not sort as the number does
				return 0, strconv.ErrRange
			}
			return strconv.ParseUint(name, 10, 64)
		},
	}
}

// Times writes numbers that are milliseconds since 1970 in a layout of package
// time, whose names have to sort as the times do.
func Times(layout string) Numbers {
	return Numbers{
		Name: func(n uint64) string {
			return time.UnixMilli(int64(n)).UTC().Format(layout) //nolint:gosec // of a time since 1970
		},
		Number: func(name string) (uint64, error) {
			t, err := time.Parse(layout, name)
			return uint64(max(0, t.UnixMilli())), err //nolint:gosec // as above
		},
	}
}

// Series is the series whose objects are named by prefix and their number;
// nothing else may begin with prefix.
func (b *Bucket) Series(prefix string, form Numbers) Series {
	return Series{store: b, prefix: prefix, form: form}
}

// Append adds v, as JSON, as number n, which is above every number the caller
// has seen, and above 0. Without an error the number is the caller's alone, and
// was the latest after it had been added. [ErrExists] means that another has
// it, or that the series had gone on past it: the caller then has no part in
// it, and what it added is gone: of a series of which each number counts, not the
// latest alone, objects are created as [Series.Key] names them. After any other
// error the same call, made again, tells. v has to differ
// between callers that must not both succeed, as for [Bucket.CreateJSON].
//
// It costs one write and one list; where another was quicker also a read or a
// delete.
func (s Series) Append(ctx context.Context, n uint64, v any) error {
	_, err := s.append(ctx, n, v)
	return err
}

// Replace is [Series.Append], and then removes what lies before n as [Series.Trim]
// does, for whom only the latest counts. That something could not be removed is no
// error, since the number is the caller's all the same: the next Replace does it.
// It costs what Append does, and a delete for each.
func (s Series) Replace(ctx context.Context, n uint64, v any) error {
	before, err := s.append(ctx, n, v)
	if err != nil {
		return err
	}
	for _, number := range before {
		_ = s.store.Remove(ctx, s.key(number)) // see above
	}
	return nil
}

// append returns the numbers that are there before n.
func (s Series) append(ctx context.Context, n uint64, v any) (before []uint64, err error) {
	key := s.key(n)
	if again, err := s.form.Number(s.form.Name(n)); n == 0 || err != nil || again != n {
		return nil, retry.Permanent(fmt.Errorf("%s cannot hold the number %d", key, n))
	}
	data, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", key, err)
	}
	if err := s.store.CreateBytes(ctx, key, data, "application/json"); err != nil {
		return nil, fmt.Errorf("append %s: %w", key, err)
	}
	// The number may have been used and trimmed by others while this caller was
	// slow; then theirs are higher. The latest is never trimmed, so that what is
	// higher than all others was never there before.
	all, err := s.numbers(ctx)
	if err != nil {
		return nil, fmt.Errorf("append %s: %w", key, err)
	}
	if len(all) == 0 || all[len(all)-1] < n {
		return nil, fmt.Errorf("append %s: the bucket does not list it", key)
	}
	latest := all[len(all)-1]
	if latest == n {
		return all[:len(all)-1], nil
	}
	err = fmt.Errorf("append %s: the series has gone on to %s: %w", key, s.form.Name(latest), ErrExists)
	return nil, errors.Join(err, s.store.Remove(ctx, key)) // else a Trim does
}

// Latest returns the highest number, 0 if there is none, and reads what was
// appended as that into v unless v is nil. It costs one list, and one read for
// v; again where the latest was replaced in between.
func (s Series) Latest(ctx context.Context, v any) (uint64, error) {
	for range 10 {
		all, err := s.numbers(ctx)
		if err != nil || len(all) == 0 {
			return 0, err
		}
		n := all[len(all)-1]
		if v == nil {
			return n, nil
		}
		if err = s.Read(ctx, n, v); !IsNotFound(err) {
			return n, err
		}
		if err := retry.Sleep(ctx, 10*time.Millisecond); err != nil {
			return 0, err
		}
	}
	return 0, fmt.Errorf("%s: the series changes faster than it can be read", s.prefix)
}

// Read reads number n into v, at the cost of one read. The error is
// [IsNotFound] if it is not there, or not any more.
func (s Series) Read(ctx context.Context, n uint64, v any) error {
	return s.store.ReadJSON(ctx, s.key(n), v)
}

// Range lists the numbers that are there, from n on, in order. It costs one
// list. A number that another appender is late with, see [Series.Append], may
// be among them.
func (s Series) Range(ctx context.Context, n uint64) iter.Seq2[uint64, error] {
	return func(yield func(uint64, error) bool) {
		all, err := s.numbers(ctx)
		if err != nil {
			yield(0, err)
			return
		}
		for _, number := range all {
			if number >= n && !yield(number, nil) {
				return
			}
		}
	}
}

// Trim removes what lies before n, but never the latest. It costs one list and
// a delete for each. Appenders and readers may be at work: they do not take a
// number that was trimmed for one that is free. What an error leaves, the next
// Trim removes.
func (s Series) Trim(ctx context.Context, n uint64) error {
	all, err := s.numbers(ctx)
	if err != nil {
		return err
	}
	for i, number := range all {
		if number >= n || i == len(all)-1 {
			break
		}
		if err := s.store.Remove(ctx, s.key(number)); err != nil {
			return err
		}
	}
	return nil
}

// Key is the name of the object of number n, for those who write it down.
func (s Series) Key(n uint64) string { return s.key(n) }

func (s Series) key(n uint64) string { return s.prefix + s.form.Name(n) }

// numbers lists the series, in order.
func (s Series) numbers(ctx context.Context) ([]uint64, error) {
	keys, err := s.store.Keys(ctx, s.prefix)
	for try := 0; IsNotFound(err) && try < 10; try++ {
		// file:// trips over what is removed while it lists.
		keys, err = s.store.Keys(ctx, s.prefix)
	}
	if err != nil {
		return nil, err
	}
	all := make([]uint64, len(keys))
	for i, k := range keys {
		n, err := s.form.Number(strings.TrimPrefix(k, s.prefix))
		if err != nil || s.key(n) != k || i > 0 && all[i-1] >= n {
			return nil, retry.Permanent(fmt.Errorf("%s is no object of the series %s: remove it", k, s.prefix))
		}
		all[i] = n
	}
	return all, nil
}
