package gunzipcsv

import (
	"context"
	"hash/maphash"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"gocloud.dev/blob"
	"golang.org/x/sync/errgroup"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/objcsv"
	"github.com/siemfeed/siemfeed/pkg/progress"
)

// glanceStep is how many targets one glance is at, about: it holds 32 bytes of each.
const glanceStep = 1 << 20

// glance verifies by lists alone what they tell all about: a list has the size and
// the ETag of a thousand objects, and to ask for each takes as long as for those
// thousand. A target is as it has to be if it is listed as a manifest has it, made
// of the version of its source that is listed now. What is not as plain as that,
// for whatever reason, is left to be looked at one by one, and so are objects
// on stores whose lists have no ETags.
type glance struct {
	v     *verification
	shard Shard

	mu sync.Mutex
	// lines has a mark of what each line of a manifest says, in order. Maps would
	// take four times the memory.
	lines []uint64
	sound sound
	there []uint64 // of each target of sound: the mark of size and ETag as listed, 0 if it is not
	left  atomic.Int64
}

// sound is what a glance has found to be as it has to be.
type sound struct {
	targets []uint64 // that manifests tell of, by the marks of their keys, in order
	sources []uint64 // of each target: the mark of its source's key, 0 if it was not found sound
}

// source returns the mark of the source of a target that is sound, 0 if it is not.
func (s sound) source(target string) uint64 {
	if i, ok := slices.BinarySearch(s.targets, mark(target)); ok {
		return s.sources[i]
	}
	return 0
}

// mark condenses what it is given to 64 bits: that of a million things two are
// alike happens once in forty million verifications.
func mark(of ...any) uint64 {
	var h maphash.Hash
	h.SetSeed(markSeed)
	for _, x := range of {
		maphash.WriteComparable(&h, x)
	}
	return h.Sum64()
}

// versionMark is that of a version of an object, as its size and ETag tell.
func versionMark(size int64, etag string) uint64 { return mark(size, bucket.ContentTag(etag)) }

// lineMark is that of a target's version made of a source's version.
func lineMark(target, targetVersion uint64, source string, sourceVersion uint64) uint64 {
	return mark(target, targetVersion, source, sourceVersion)
}

// glance takes in what the lists tell of a shard. It returns the targets that are
// as they have to be, and about how many things are left.
func (v *verification) glance(ctx context.Context, parts []string, shard Shard) (found sound, left int64, err error) {
	g := &glance{v: v, shard: shard}
	for _, take := range []func(context.Context) error{
		func(ctx context.Context) error { return g.read(ctx, parts) }, g.dest, g.source,
	} {
		if err := take(ctx); err != nil {
			return sound{}, 0, err
		}
	}
	for _, source := range g.sound.sources {
		if source == 0 {
			g.left.Add(1)
		}
	}
	return g.sound, g.left.Load(), nil
}

// read takes in the manifests. A part that cannot be read is left, and where none
// can, as it seems, all that are not read yet.
func (g *glance) read(ctx context.Context, parts []string) error {
	eg, ctx := errgroup.WithContext(ctx)
	eg.SetLimit(lookers)
	for _, key := range parts {
		if g.left.Load() >= maxBlind {
			break
		}
		eg.Go(func() error {
			err := patiently(ctx, func(ctx context.Context) error {
				return readPart(ctx, g.v.f.parts.State, key, g.line)
			})
			if err != nil {
				g.left.Add(1)
			}
			return ctx.Err()
		})
	}
	if err := eg.Wait(); err != nil {
		return err
	}
	inOrder := func(marks []uint64) []uint64 {
		slices.Sort(marks)
		return slices.Compact(marks)
	}
	g.lines, g.sound.targets = inOrder(g.lines), inOrder(g.sound.targets)
	g.there, g.sound.sources = make([]uint64, len(g.sound.targets)), make([]uint64, len(g.sound.targets))
	return nil
}

func (g *glance) line(w Written) {
	if !g.shard.has(w.Target) {
		return
	}
	target := mark(w.Target)
	line := lineMark(target, versionMark(w.TargetSize, w.TargetETag), w.Source, versionMark(w.SourceSize, w.SourceETag))
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lines = append(g.lines, line)
	if g.v.o.spans(w.SourceTime) && strings.HasPrefix(w.Source, g.v.f.prefix+g.v.o.Prefix) {
		g.sound.targets = append(g.sound.targets, target)
	}
}

// dest takes in what lies in the destination. What no manifest tells of is left.
func (g *glance) dest(ctx context.Context) error {
	b := g.v.f.parts.Dest
	for o, err := range b.Objects(ctx, g.v.o.Prefix) {
		if err != nil {
			return err
		}
		if !g.v.isTarget(o, g.shard) {
			continue
		}
		i, told := slices.BinarySearch(g.sound.targets, mark(o.Key))
		if !told {
			if g.v.o.spans(o.ModTime) {
				g.left.Add(1)
			}
			continue
		}
		if etag := b.ListedETag(o); etag != "" {
			g.there[i] = versionMark(o.Size, etag)
		}
	}
	return nil
}

// source compares what lies in the source.
func (g *glance) source(ctx context.Context) error {
	s := g.v.o.Selection
	s.Shard = g.shard
	b := g.v.f.parts.Source
	return g.v.f.list(ctx, s, func(o *blob.ListObject) error {
		target := mark(objcsv.TargetKey(o.Key))
		i, told := slices.BinarySearch(g.sound.targets, target)
		if etag := b.ListedETag(o); told && g.there[i] != 0 && g.sound.sources[i] == 0 && etag != "" {
			_, told = slices.BinarySearch(g.lines, lineMark(target, g.there[i], g.v.f.prefix+o.Key, versionMark(o.Size, etag)))
		} else {
			told = false
		}
		if !told {
			g.left.Add(1)
			return nil
		}
		g.sound.sources[i] = mark(o.Key)
		g.v.looked(func(v *Verified) { v.Objects++; v.Converted++; v.Bytes += o.Size })
		progress.Add(ctx, 1)
		return nil
	})
}
