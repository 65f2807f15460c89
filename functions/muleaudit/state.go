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
//	muleaudit/<org>/watermark/<time>        all before it is exported; the latest counts
//	muleaudit/<org>/since/<time>            where the first scheduled run began
//	muleaudit/<org>/length/<slice>          every slice length ever used
//	muleaudit/<org>/slices/<start>/000001   manifests, in order: see manifest
//	muleaudit/<org>/slices/<start>/looks    the slice's receipt: see sliceReceipt
//	muleaudit/<org>/pending/<start>-000001  this manifest may not be published yet
//	muleaudit/<org>/staged/<run>/…          objects that wait to be published
//
// <start> is the slice's first moment as in 20260102T150000Z. A slice lies within
// one day, whatever its length, so that a list of slices/20260102 has all that
// there is of a day.
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
func (l orgState) watermark(ctx context.Context) (time.Time, error) {
	ms, err := l.watermarks().Latest(ctx, nil)
	if err != nil || ms == 0 {
		return time.Time{}, err
	}
	return time.UnixMilli(int64(ms)).UTC(), nil //nolint:gosec // a time since 1970
}

// advance moves the watermark to t. A run that is behind cannot move it back.
func (l orgState) advance(ctx context.Context, t time.Time, run string) error {
	ms := uint64(t.UnixMilli()) //nolint:gosec // as above
	err := l.watermarks().Append(ctx, ms, map[string]string{"run": run})
	if errors.Is(err, bucket.ErrExists) {
		return nil // another run has got as far, or further
	}
	if err != nil {
		return fmt.Errorf("save watermark: %w", err)
	}
	return l.watermarks().Trim(ctx, ms)
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

// lengths returns every slice length that manifests may have been made with,
// length among them. MULE_SLICE may change from one deployment to the next, and
// the slices of before still know what they hold.
func (l orgState) lengths(ctx context.Context, length time.Duration) ([]time.Duration, error) {
	dir := l.dir("length") + "/"
	keys, err := l.state.Keys(ctx, dir)
	if err != nil {
		return nil, err
	}
	var out []time.Duration
	for _, k := range keys {
		d, err := time.ParseDuration(path.Base(k))
		if err != nil || d < time.Minute || day%d != 0 {
			return nil, fmt.Errorf("%s is not a slice length: remove it", k)
		}
		out = append(out, d)
	}
	if slices.Contains(out, length) {
		return out, nil
	}
	if err := l.state.PutJSON(ctx, dir+length.String(), struct{}{}); err != nil {
		return nil, fmt.Errorf("save slice length: %w", err)
	}
	return append(out, length), nil
}

// sliceDir is where the manifests of the slice that starts at start lie.
func (l orgState) sliceDir(start time.Time) string {
	return l.dir("slices", start.UTC().Format(basic)) + "/"
}

// manifests lists the manifests of the slice that starts at start, in order.
func (l orgState) manifests(ctx context.Context, start time.Time) ([]string, error) {
	keys, err := l.state.Keys(ctx, l.sliceDir(start))
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(keys, func(k string) bool { return path.Base(k) == "looks" }), nil
}

// exported is what a slice has in its objects so far.
type exported struct {
	keys      keys  // also those of other slices that overlap this one
	manifests int   // of this slice
	parts     int   // of this slice
	events    int64 // of this slice
}

// exported reads the manifests of every slice, of any of the lengths, that
// overlaps s.
func (l orgState) exported(ctx context.Context, s slice, lengths []time.Duration) (*exported, error) {
	e := &exported{keys: keys{}}
	seen := map[time.Time]bool{}
	for _, d := range lengths {
		for start := s.start.Truncate(d); start.Before(s.end); start = start.Add(d) {
			if seen[start] {
				continue
			}
			seen[start] = true
			manifests, err := l.manifests(ctx, start)
			if err != nil {
				return nil, err
			}
			for _, path := range manifests {
				c, err := readManifest(ctx, l.state, path, e.keys)
				if err != nil {
					return nil, err
				}
				if !start.Equal(s.start) {
					continue
				}
				e.manifests++
				e.parts += len(c.Parts)
				for _, p := range c.Parts {
					e.events += p.Events
				}
			}
		}
	}
	return e, nil
}

// manifestsOf is the series of the manifests of the slice that starts at start.
// The first of their six digits counts as prefix, so that the slice's receipt
// may lie beside them.
func (l orgState) manifestsOf(start time.Time) bucket.Series {
	return l.state.Series(l.sliceDir(start)+"0", bucket.Digits(5))
}

// manifestPath and pendingPath are where the nth manifest of s lies, and the mark
// that it may be unpublished.
func (l orgState) manifestPath(s slice, n int) string {
	return fmt.Sprintf("%s%06d", l.sliceDir(s.start), n)
}

func (l orgState) pendingPath(s slice, n int) string {
	return l.dir("pending", fmt.Sprintf("%s-%06d", s.start.UTC().Format(basic), n))
}

// pending lists the manifests that may not be published yet.
func (l orgState) pending(ctx context.Context) ([]string, error) {
	marks, err := l.state.Keys(ctx, l.dir("pending")+"/")
	if err != nil {
		return nil, err
	}
	manifests := make([]string, 0, len(marks))
	for _, m := range marks {
		start, n, ok := strings.Cut(path.Base(m), "-")
		if !ok {
			return nil, fmt.Errorf("%s is not a mark of a manifest: remove it", m)
		}
		manifests = append(manifests, l.dir("slices", start, n))
	}
	return manifests, nil
}

// pendingOf is the mark that belongs to a manifest.
func (l orgState) pendingOf(manifestPath string) string {
	dir, n := path.Split(manifestPath)
	return l.dir("pending", path.Base(dir)+"-"+n)
}
