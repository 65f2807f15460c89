package muleaudit

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

// orgState is what STATE_URL knows of one organisation:
//
//	muleaudit/<org>/watermark/<time>         all before it is exported; the latest counts
//	muleaudit/<org>/since/<time>             where the first scheduled run began
//	muleaudit/<org>/ahead                    what is exported beyond the watermark: see windowState
//	muleaudit/<org>/backfill/<from>-<to>     what of a backfill under way is: see windowState
//	muleaudit/<org>/behind                   how far was looked behind: see behind
//	muleaudit/<org>/lengths/<day>/<slice>    slice lengths in use on a day
//	muleaudit/<org>/length/<slice>           likewise on any day before the first such
//	muleaudit/<org>/slices/<start>/000001    manifests, in order: see manifest
//	muleaudit/<org>/slices/<start>/looks     the slice's receipt: see sliceReceipt
//	muleaudit/<org>/pending/<start>-000001   this manifest may not be published yet
//	muleaudit/<org>/staged/<run>/…           objects that wait to be published
//
// <start> is the slice's first moment as in 20260102T150000Z, <day> its date as
// in 20260102. A slice lies within one day, whatever its length, so that a list
// of slices/20260102 has all that there is of a day.
type orgState struct {
	state *bucket.Bucket
	org   string
}

const root = "muleaudit/"

func (l orgState) dir(parts ...string) string {
	return root + l.org + "/" + path.Join(parts...)
}

// stamp is the form of a watermark: it sorts as the time does.
const stamp = "20060102T150405.000Z"

// watermarks are numbered by the millisecond.
func (l orgState) watermarks() bucket.Series {
	return l.state.Series(l.dir("watermark")+"/", bucket.Times(stamp))
}

// watermark returns the time before which all is exported, zero if no run has
// finished yet.
//
// One that lies after the moment at which it was saved, by the store's clock, is
// of a run whose own clock was ahead: what happened since then it cannot have
// read, and so that moment counts. It does until real time has passed the one that
// is noted, as a watermark never moves back.
func (l orgState) watermark(ctx context.Context) (at time.Time, err error) {
	for o, err := range l.state.Objects(ctx, l.dir("watermark")+"/") {
		if err != nil {
			return time.Time{}, err
		}
		if at, err = time.Parse(stamp, path.Base(o.Key)); err != nil {
			return time.Time{}, fmt.Errorf("%s is no watermark: remove it", o.Key)
		}
		at = earliest(at, o.ModTime.UTC().Truncate(time.Millisecond))
	}
	return at, nil
}

// advance moves the watermark to t. A run that is behind cannot move it back.
func (l orgState) advance(ctx context.Context, t time.Time, run string) error {
	ms := uint64(t.UnixMilli()) //nolint:gosec // as above
	err := l.watermarks().Replace(ctx, ms, map[string]string{"run": run})
	if errors.Is(err, bucket.ErrExists) {
		return nil // another run has got as far, or further
	}
	if err != nil {
		return fmt.Errorf("save watermark: %w", err)
	}
	return nil
}

// since returns where the first scheduled run began; from then on no gap is
// allowed. Zero if there was none.
func (l orgState) since(ctx context.Context) (time.Time, error) {
	keys, err := l.state.Keys(ctx, l.dir("since")+"/")
	if err != nil || len(keys) == 0 {
		return time.Time{}, err
	}
	return time.Parse(stamp, path.Base(keys[0]))
}

// begin notes that scheduled runs begin at t.
func (l orgState) begin(ctx context.Context, t time.Time, run string) error {
	err := l.state.CreateJSON(ctx, l.dir("since", t.UTC().Format(stamp)), map[string]string{"run": run})
	if errors.Is(err, bucket.ErrExists) {
		return nil
	}
	return err
}

// sliceDir is where the manifests of the slice that starts at start lie.
func (l orgState) sliceDir(start time.Time) string {
	return l.dir("slices", start.UTC().Format(basic)) + "/"
}

// manifestsOf is the series of the manifests of the slice that starts at start.
// The first of their six digits counts as prefix, so that the slice's receipt
// may lie beside them.
func (l orgState) manifestsOf(start time.Time) bucket.Series {
	return l.state.Series(l.sliceDir(start)+"0", bucket.Digits(5))
}

// pendingPath is the mark that the nth manifest of a slice may be unpublished.
func (l orgState) pendingPath(start time.Time, n uint64) string {
	return l.dir("pending", fmt.Sprintf("%s-%06d", start.UTC().Format(basic), n))
}

// pending lists the manifests that may not be published yet.
func (l orgState) pending(ctx context.Context) ([]string, error) {
	marks, err := l.state.Keys(ctx, l.dir("pending")+"/")
	if err != nil {
		return nil, err
	}
	manifests := make([]string, 0, len(marks))
	for _, m := range marks {
		manifest, err := l.markedBy(m)
		if err != nil {
			return nil, err
		}
		manifests = append(manifests, manifest)
	}
	return manifests, nil
}

// markedBy is the manifest that a mark belongs to.
func (l orgState) markedBy(mark string) (string, error) {
	start, n, ok := strings.Cut(path.Base(mark), "-")
	if !ok {
		return "", fmt.Errorf("%s is not a mark of a manifest: remove it", mark)
	}
	return l.dir("slices", start, n), nil
}

// pendingOf is the mark that belongs to a manifest.
func (l orgState) pendingOf(manifestPath string) string {
	dir, n := path.Split(manifestPath)
	return l.dir("pending", path.Base(dir)+"-"+n)
}

// windowState is which parts of a window are exported, where that is more than its
// beginning: several walks read it side by side, and an end of time may find
// each of them anywhere.
type windowState struct {
	Done []interval `json:"done"`
}

// progressPath is where the progress of a backfill of w lies, or of scheduled
// runs where w is nil.
func (l orgState) progressPath(w *interval) string {
	if w == nil {
		return l.dir("ahead")
	}
	return l.dir("backfill", w.From.Format(stamp)+"-"+w.To.Format(stamp))
}

// progress returns nothing where there is none.
func (l orgState) progress(ctx context.Context, path string) ([]interval, error) {
	var p windowState
	if err := l.state.ReadJSON(ctx, path, &p); err != nil && !bucket.IsNotFound(err) {
		return nil, err
	}
	return p.Done, nil
}

// addProgress notes what is done besides what is noted there. Of two runs at once
// the one may not see what the other adds: that is then read again.
func (l orgState) addProgress(ctx context.Context, path string, done []interval, after time.Time) error {
	there, err := l.progress(ctx, path)
	if err != nil {
		return err
	}
	for _, i := range done {
		there = union(there, i)
	}
	there = slices.DeleteFunc(there, func(i interval) bool { return !i.To.After(after) })
	return l.state.PutJSON(ctx, path, windowState{there})
}
