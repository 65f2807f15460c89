// Package rolluptest has a store that holds receipts by the million without
// holding any: each is made when it is asked for, always the same.
package rolluptest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/blob/driver"
	"gocloud.dev/gcerrors"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// Store holds the receipts of one function or more, and keeps what is written to
// it.
type Store struct {
	Function string
	// More are functions with as many receipts.
	More []string
	// First is the first day that has receipts, Days how many have, and Runs how
	// many receipts each of them has, evenly over the day.
	First      time.Time
	Days, Runs int
	// Wait is how long a request takes.
	Wait time.Duration
	// ReadOnly has every write refused.
	ReadOnly bool
	// Reads, Lists and Writes count the requests; a removal is a write.
	Reads, Lists, Writes atomic.Int64

	mu      sync.Mutex
	written map[string][]byte
}

// Bucket opens the store.
func (s *Store) Bucket() *bucket.Bucket {
	return &bucket.Bucket{Bucket: blob.NewBucket(store{s}), URL: "test://"}
}

// Calls returns how many reads, lists and writes there were since it was asked
// last.
func (s *Store) Calls() (reads, lists, writes int64) {
	return s.Reads.Swap(0), s.Lists.Swap(0), s.Writes.Swap(0)
}

// Receipt is the i-th of a day of Function.
func (s *Store) Receipt(day time.Time, i int) receipt.Core { return s.receipt(s.Function, day, i) }

func (s *Store) receipt(function string, day time.Time, i int) receipt.Core {
	at := day.Add(time.Duration(i) * (24 * time.Hour / time.Duration(s.Runs))).Truncate(time.Millisecond)
	lag := float64(30 + i%600)
	c := receipt.Core{
		Function: function, Version: "v1." + strconv.Itoa(int(day.Month())) + ".0",
		Run: at.Format("20060102T150405.000") + fmt.Sprintf("-%010d", i), Status: receipt.OK,
		In: int64(100 + i%50), Filtered: int64(i % 7), Quarantined: int64(i % 2), BytesIn: 50_000, BytesOut: 40_000,
		LagSeconds: &lag, Lags: map[string]float64{"0": lag, "1": 10},
		StartedAt: at, FinishedAt: at.Add(5 * time.Second), Seconds: 5,
	}
	c.Out = c.In - c.Filtered - c.Quarantined
	if i == 1000 { // where there are as many
		c.Status, c.Code, c.Error = receipt.Failed, receipt.Unavailable, "the store did not answer"
	}
	return c
}

// store is the driver of a Store, without what is not asked of it.
type store struct{ *Store }

// ErrReadOnly is what a write is refused with.
var ErrReadOnly = errors.New("access denied")

var errNotFound = errors.New("not found")

func (store) ErrorCode(err error) gcerrors.ErrorCode {
	if errors.Is(err, errNotFound) {
		return gcerrors.NotFound
	}
	return gcerrors.Unknown
}
func (store) As(any) bool             { return false }
func (store) ErrorAs(error, any) bool { return false }
func (store) Close() error            { return nil }

func (s store) Attributes(ctx context.Context, key string) (*driver.Attributes, error) {
	r, err := s.NewRangeReader(ctx, key, 0, -1, nil)
	if err != nil {
		return nil, err
	}
	return &driver.Attributes{Size: r.Attributes().Size, ModTime: s.First}, nil
}

func (store) Copy(context.Context, string, string, *driver.CopyOptions) error {
	return errors.ErrUnsupported
}
func (s store) Delete(_ context.Context, key string, _ *driver.DeleteOptions) error {
	time.Sleep(s.Wait)
	s.Writes.Add(1)
	if s.ReadOnly {
		return ErrReadOnly
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.written[key]; !ok {
		return errNotFound
	}
	delete(s.written, key)
	return nil
}

func (store) SignedURL(context.Context, string, *driver.SignedURLOptions) (string, error) {
	return "", errors.ErrUnsupported
}

// day is the function and the day of a key or prefix of receipts.
func (s store) day(key string) (function string, day time.Time, ok bool) {
	function, rest, ok := strings.Cut(key, "/receipts/")
	if !ok || function != s.Function && !slices.Contains(s.More, function) || len(rest) < len("2006/01/02/") {
		return function, day, false
	}
	day, err := time.Parse("2006/01/02/", rest[:len("2006/01/02/")])
	return function, day, err == nil && !day.Before(s.First) && day.Before(s.First.AddDate(0, 0, s.Days))
}

// pageSize is that of the services.
const pageSize = 1000

func (s store) ListPaged(_ context.Context, o *driver.ListOptions) (*driver.ListPage, error) {
	time.Sleep(s.Wait)
	s.Lists.Add(1)
	from, _ := strconv.Atoi(string(o.PageToken)) // none is the first
	var keys []string
	function, day, receipts := s.day(o.Prefix)
	total := s.Runs
	if !receipts {
		keys = s.others(o.Prefix)
		total = len(keys)
	}
	page := &driver.ListPage{}
	for i := from; i < min(from+pageSize, total); i++ {
		object := &driver.ListObject{ModTime: s.First}
		if receipts {
			c := s.receipt(function, day, i)
			object.Key, object.Size = c.Key(), 500
		} else {
			object.Key, object.Size = keys[i], int64(len(s.text(keys[i])))
		}
		page.Objects = append(page.Objects, object)
	}
	if from+pageSize < total {
		page.NextPageToken = []byte(strconv.Itoa(from + pageSize))
	}
	return page, nil
}

// others lists what was written.
func (s store) others(prefix string) (keys []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range s.written {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

func (s store) text(key string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.written[key]
}

func (s store) NewRangeReader(_ context.Context, key string, _, _ int64, _ *driver.ReaderOptions) (driver.Reader, error) {
	time.Sleep(s.Wait)
	s.Reads.Add(1)
	text := s.text(key)
	if function, day, ok := s.day(key); ok {
		_, n, _ := strings.Cut(strings.TrimSuffix(path.Base(key), ".json"), "-")
		i, err := strconv.Atoi(n)
		if err != nil {
			return nil, errNotFound
		}
		c := s.receipt(function, day, i)
		if text, err = json.Marshal(&c); err != nil {
			return nil, err
		}
	}
	if text == nil {
		return nil, errNotFound
	}
	return &reader{bytes.NewReader(text)}, nil
}

type reader struct{ *bytes.Reader }

func (r *reader) Attributes() *driver.ReaderAttributes {
	return &driver.ReaderAttributes{Size: r.Size()}
}
func (*reader) As(any) bool  { return false }
func (*reader) Close() error { return nil }

func (s store) NewTypedWriter(ctx context.Context, key, _ string, _ *driver.WriterOptions) (driver.Writer, error) {
	return &writer{ctx: ctx, store: s, key: key}, nil
}

type writer struct {
	bytes.Buffer
	ctx   context.Context // of the write: Close is told by it whether to keep what was written
	store store
	key   string
}

func (w *writer) Close() error {
	time.Sleep(w.store.Wait)
	if w.ctx.Err() != nil {
		return w.ctx.Err()
	}
	w.store.Writes.Add(1)
	if w.store.ReadOnly {
		return ErrReadOnly
	}
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	if w.store.written == nil {
		w.store.written = map[string][]byte{}
	}
	w.store.written[w.key] = w.Bytes()
	return nil
}
