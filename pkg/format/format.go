// Package format keeps a release from working on what a newer one has left in
// STATE_URL or QUARANTINE_URL.
//
// What a function keeps is of several kinds, each with a format, which has a
// number. A release reads the formats that it writes and all before them, so
// that an upgrade needs nothing. The other way round it would take what it does
// not understand for nothing, and write on: deliver again, or call lost what is
// not. So a release that writes a format above 1 first leaves a mark,
//
//	<function>/format/<kind>/<number>
//
// and one that finds a mark above what it knows is refused, before it has
// written anything. What has no mark is of format 1.
package format

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/version"
)

// folder is where the marks of a function lie.
func folder(function string) string { return function + "/format/" }

// mark is the content of a mark, for who is refused.
type mark struct {
	// Version is the release that left it, and so knows the format.
	Version string `json:"version"`
}

// NewerError says that a bucket holds what a newer release has written.
type NewerError struct {
	Bucket string // its URL
	Object string // the mark that says so
	Kind   string
	Number int    // of the format there
	By     string // the release that wrote it, empty where that cannot be read
	Knows  int    // the highest number that this release knows, 0 if it does not know the kind
}

func (e *NewerError) Error() string {
	knows := fmt.Sprintf("which knows it up to %d", e.Knows)
	if e.Knows == 0 {
		knows = "which does not know it"
	}
	return fmt.Sprintf("%s in %s: format %d of %q was written there by siemfeed %s, and this is %s, %s: nothing was done; %s",
		e.Object, e.Bucket, e.Number, e.Kind, cmp.Or(e.By, "of a later release"), version.String(), knows, e.Fix())
}

// Fix says what to do about it.
func (e *NewerError) Fix() string {
	if e.By == "" {
		return "upgrade"
	}
	return "upgrade to " + e.By + " or newer"
}

// Protect has bucket b, of STATE_URL or QUARANTINE_URL, refuse to be read or
// written where it holds what this release does not know, with a [*NewerError]
// that is permanent. That is looked for by the function whose folder a key is
// in, at its first use and then every minute in which it is used: another
// instance may have been upgraded meanwhile.
func Protect(b *bucket.Bucket) { protect(b, kinds, version.String()) }

func protect(b *bucket.Bucket, known map[string]int, release string) {
	w := &watcher{b: b, known: known, release: release, folders: map[string]*watched{}}
	b.Guard(func(ctx context.Context, key string, write bool) error {
		function, _, ok := strings.Cut(key, "/")
		if !ok {
			return nil
		}
		return w.of(function).admit(ctx, write)
	})
}

// Check returns an error where b, which is protected, holds of function what this
// release does not know: for who does something else before it uses b.
func Check(ctx context.Context, b *bucket.Bucket, function string) error {
	return b.Admit(ctx, folder(function), false)
}

// again is how long a look at the marks counts.
const again = time.Minute

// watcher looks at the marks in a bucket.
type watcher struct {
	b       *bucket.Bucket
	known   map[string]int
	release string

	mu      sync.Mutex
	folders map[string]*watched
}

// watched are the marks of one function.
type watched struct {
	*watcher
	function string
	turn     chan struct{} // holds one token: one at a time looks
	looked   time.Time
	missing  []string // marks that are to be left before anything is written
}

func (w *watcher) of(function string) *watched {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.folders[function]
	if f == nil {
		f = &watched{watcher: w, function: function, turn: make(chan struct{}, 1)}
		w.folders[function] = f
	}
	return f
}

func (f *watched) admit(ctx context.Context, write bool) error {
	select {
	case f.turn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-f.turn }()
	if f.looked.IsZero() || time.Since(f.looked) > again {
		if err := f.look(ctx); err != nil {
			return err
		}
		f.looked = time.Now()
	}
	for write && len(f.missing) > 0 {
		err := f.b.CreateJSON(ctx, f.missing[0], mark{f.release})
		if err != nil && !errors.Is(err, bucket.ErrExists) {
			return fmt.Errorf("mark the format: %w", err)
		}
		f.missing = f.missing[1:]
	}
	return nil
}

// look reads the marks, at the cost of one list.
func (f *watched) look(ctx context.Context) error {
	root := folder(f.function)
	keys, err := f.b.Keys(ctx, root)
	if bucket.IsNotFound(err) { // whoever asked for an object must not take it for that one
		return fmt.Errorf("look for the format: %v", err) //nolint:errorlint // see above
	}
	if err != nil {
		return fmt.Errorf("look for the format: %w", err)
	}
	there := map[string]int{}
	for _, key := range keys {
		kind, digits, _ := strings.Cut(strings.TrimPrefix(key, root), "/")
		n, err := strconv.Atoi(digits)
		if err != nil { // no mark
			continue
		}
		if knows := f.known[kind]; n > knows {
			return f.newer(ctx, key, kind, n)
		}
		there[kind] = max(there[kind], n)
	}
	f.missing = nil
	for _, kind := range slices.Sorted(maps.Keys(f.known)) {
		if n := f.known[kind]; n > max(there[kind], 1) {
			f.missing = append(f.missing, fmt.Sprint(root, kind, "/", n))
		}
	}
	return nil
}

// newer says what is newer. That the mark cannot be read does not make it less so.
func (f *watched) newer(ctx context.Context, key, kind string, n int) error {
	var m mark
	_ = f.b.ReadJSON(ctx, key, &m)
	return retry.Permanent(&NewerError{Bucket: f.b.URL, Object: key, Kind: kind, Number: n, By: m.Version, Knows: f.known[kind]})
}
