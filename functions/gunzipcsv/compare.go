package gunzipcsv

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"gocloud.dev/blob"
	"golang.org/x/sync/errgroup"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/objcsv"
	"github.com/siemfeed/siemfeed/pkg/progress"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// attributes looks at an object; nil means that it is not there.
func attributes(ctx context.Context, b *bucket.Bucket, key string) (attrs *blob.Attributes, err error) {
	err = patiently(ctx, func(ctx context.Context) error {
		attrs, err = b.Attributes(ctx, key)
		if bucket.IsNotFound(err) {
			attrs = nil
			return nil
		}
		return err
	})
	return attrs, err
}

// source looks at one source object and its target.
func (v *verification) source(ctx context.Context, key string, ev evidence, strays map[uint64]struct{}) error {
	where, target := v.f.prefix+key, objcsv.TargetKey(key)
	src, err := attributes(ctx, v.f.parts.Source, key)
	if err == nil && src == nil {
		return nil // deleted since it was listed
	}
	defer v.count(func(o *Verified) { o.Objects++ })
	defer progress.Add(ctx, 1)
	past := ev[target]
	if past != nil {
		past.seen.Store(true)
	} else {
		v.count(func(*Verified) { strays[markOf(target, "")] = struct{}{} })
	}
	if err != nil {
		return v.unread(ctx, where, err)
	}
	if !strings.HasSuffix(key, ".gz") {
		gzip := false
		if !strings.HasSuffix(key, "/") {
			err = patiently(ctx, func(ctx context.Context) error {
				gzip, err = v.f.isGzip(ctx, key)
				return err
			})
		}
		if err != nil {
			return v.unread(ctx, where, err)
		}
		if !gzip {
			v.looked(func(o *Verified) { o.Skipped++ })
			return nil
		}
	}
	there, err := attributes(ctx, v.f.parts.Dest, target)
	if err != nil {
		return v.unread(ctx, target, err)
	}
	lines := past.about(where)
	switch {
	case there != nil && len(lines) > 0:
		return v.compare(ctx, key, src, target, there, lines)
	case there != nil:
		return v.unlisted(ctx, key, src, target, there)
	case v.isRejected(where): // which is a finding already, or accepted
	case len(lines) > 0:
		w := newest(lines)
		v.find(receipt.Missing, where, "its target %s (%d bytes, written %s) is there no more: run a backfill", target, w.TargetSize, stamp(w.TargetTime))
	default:
		v.find(receipt.Missing, where, "there is no %s: run a backfill", target)
	}
	return nil
}

// compare looks whether a target is as it was written, of the version that its
// source is now.
func (v *verification) compare(ctx context.Context, key string, src *blob.Attributes, target string, there *blob.Attributes, lines []Written) error {
	where := v.f.prefix + key
	w, err := v.written(ctx, there, lines, src)
	if err != nil {
		return v.unread(ctx, target, err)
	}
	if w == nil {
		_, listed, err := v.f.recall.sum(ctx, there.Metadata[metaRun], target, there.ETag)
		switch {
		case err != nil:
			return v.unread(ctx, target, err)
		case listed: // written again since the manifests were read
			return v.unlisted(ctx, key, src, target, there)
		}
		v.find(receipt.Altered, where, "%s", altered(target, there, lines))
		return nil
	}
	if !w.madeOf(src) {
		v.find(findStale, where, "%s was made from version %s of %d bytes, and the source is %s of %d now: run a backfill", target, w.SourceETag, w.SourceSize, src.ETag, src.Size)
		return nil
	}
	v.looked(func(o *Verified) { o.Converted++; o.Bytes += src.Size })
	return nil
}

// written returns the line that tells of the target as it is there, of the
// source's version if there is one; nil if none does. With Deep the content
// decides, else the store's size and ETag.
func (v *verification) written(ctx context.Context, there *blob.Attributes, lines []Written, src *blob.Attributes) (*Written, error) {
	held := ""
	if v.o.Deep {
		err := patiently(ctx, func(ctx context.Context) (err error) {
			held, err = v.f.content(ctx, lines[0].Target, there)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	var found *Written
	for i := range lines {
		w := &lines[i]
		same := w.is(there)
		if v.o.Deep {
			same = w.TargetSHA256 == held
		}
		if same && (found == nil || src != nil && w.madeOf(src)) {
			found = w
		}
	}
	return found, nil
}

// altered says how a target is not what was written.
func altered(target string, there *blob.Attributes, lines []Written) string {
	w := newest(lines)
	if w.is(there) {
		return fmt.Sprintf("%s holds something else than was written, though its size and ETag are the same", target)
	}
	if there.Size != w.TargetSize {
		return fmt.Sprintf("%s has %d bytes since %s; written were %d", target, there.Size, stamp(there.ModTime), w.TargetSize)
	}
	return fmt.Sprintf("%s is another object since %s (ETag %s, written was %s), of the same %d bytes: overwritten, or copied or encrypted again; --deep tells whether the content is what was written", target, stamp(there.ModTime), there.ETag, w.TargetETag, there.Size)
}

// unlisted looks at a target that the manifests read do not tell of.
func (v *verification) unlisted(ctx context.Context, key string, src *blob.Attributes, target string, there *blob.Attributes) error {
	where := v.f.prefix + key
	sum, listed, err := v.f.recall.sum(ctx, there.Metadata[metaRun], target, there.ETag)
	if err == nil && listed && v.o.Deep {
		var held string
		if held, err = v.f.content(ctx, target, there); err == nil && held != sum {
			v.find(receipt.Altered, where, "%s holds something else than was written", target)
			return nil
		}
	}
	if err != nil {
		return v.unread(ctx, target, err)
	}
	switch state := stands(there.Metadata, v.f.origin(key, src)); {
	case state == foreign && v.isRejected(where): // which is a finding already
	case state == foreign:
		v.find(findCollision, where, "%v", collision(target, there.Metadata))
	case state == stale:
		v.find(findStale, where, "%s was made from version %s of %s bytes, and the source is %s of %d now: run a backfill", target, there.Metadata[metaETag], there.Metadata[metaSize], src.ETag, src.Size)
	case !listed && there.Metadata[metaRun] == "":
		v.find(receipt.Unknown, where, "its target %s is of a release that kept no list of what it wrote, so that there is nothing to compare it with: run a backfill, which converts its source once more, compares and enters it", target)
	case !listed:
		v.find(receipt.Unknown, where, "no manifest has its target %s as it is there: if the run that wrote it (%s) is not under way, run a backfill, which compares and enters it", target, there.Metadata[metaRun])
	default:
		v.looked(func(o *Verified) { o.Converted++; o.Bytes += src.Size })
	}
	return nil
}

// leftBehind looks at the targets whose source is there no more.
func (v *verification) leftBehind(ctx context.Context, ev evidence) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(lookers)
	for target, past := range ev {
		last := newest(past.lines)
		if past.seen.Load() || !v.o.spans(last.SourceTime) || !strings.HasPrefix(last.Source, v.f.prefix+v.o.Prefix) {
			continue
		}
		g.Go(func() error {
			there, err := attributes(ctx, v.f.parts.Dest, target)
			if err != nil {
				return v.unread(ctx, target, err)
			}
			if there == nil {
				v.find(receipt.Missing, target, "it was written %s (%d bytes) from %s, and neither is there now", stamp(last.TargetTime), last.TargetSize, last.Source)
				return nil
			}
			w, err := v.written(ctx, there, past.lines, nil)
			switch {
			case err != nil:
				return v.unread(ctx, target, err)
			case w == nil:
				v.find(receipt.Altered, target, "%s", altered(target, there, past.lines))
			default:
				v.looked(func(o *Verified) { o.Gone++ })
			}
			return nil
		})
	}
	return g.Wait()
}

// isTarget tells whether an object in the destination is one that may have been
// made, of the shard, before this began.
func (v *verification) isTarget(o *blob.ListObject, s Shard) bool {
	return strings.HasSuffix(o.Key, ".csv") && s.has(o.Key) && !o.ModTime.After(v.began)
}

// strangers names the targets that neither a source nor a manifest tells of.
func (v *verification) strangers(ctx context.Context, s Selection, ev evidence, strays map[uint64]struct{}, isSound func(target string) bool) error {
	for o, err := range v.f.parts.Dest.Objects(ctx, s.Prefix) {
		if err != nil {
			return err
		}
		_, seen := strays[markOf(o.Key, "")]
		if seen || ev[o.Key] != nil || !v.isTarget(o, s.Shard) || !s.spans(o.ModTime) || isSound(o.Key) {
			continue
		}
		there, err := attributes(ctx, v.f.parts.Dest, o.Key)
		if err == nil && there == nil {
			continue // deleted since it was listed
		}
		listed := false
		if err == nil {
			_, listed, err = v.f.recall.sum(ctx, there.Metadata[metaRun], o.Key, there.ETag)
		}
		switch {
		case err != nil:
			if err := v.unread(ctx, o.Key, err); err != nil {
				return err
			}
		case listed: // since the manifests were read
		case there.Metadata[metaKey] == "":
			v.find(receipt.Unknown, o.Key, "it was not made by this function, and has no source")
		case there.Metadata[metaRun] == "":
			v.find(receipt.Unknown, o.Key, "it is of a release that kept no list of what it wrote, and its source %s is there no more: nothing tells whether it is as it was written", there.Metadata[metaKey])
		default:
			v.find(receipt.Unknown, o.Key, "no manifest has it as it is there, and its source %s is there no more", there.Metadata[metaKey])
		}
	}
	return nil
}

// quarantine enters every record that was rejected and not replayed, as a
// finding unless it was accepted as lost.
func (v *verification) quarantine(ctx context.Context) error {
	if err := v.inQuarantine(ctx, v.f.reject.Names, false); err != nil {
		return err
	}
	return v.inQuarantine(ctx, v.f.reject.Accepted, true)
}

func (v *verification) inQuarantine(ctx context.Context, list func(ctx context.Context, from, to time.Time) iter.Seq2[string, error], accepted bool) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(lookers)
	var listErr error
	for name, err := range list(gctx, v.o.From, v.o.To) {
		if err != nil {
			listErr = err
			break
		}
		g.Go(func() error {
			err := v.rejects(gctx, name, accepted)
			if err != nil && v.o.Shard.has(name) { // one shard says so
				return v.unread(gctx, name, err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return listErr
}

// rejects enters the records of one object in quarantine.
func (v *verification) rejects(ctx context.Context, name string, accepted bool) error {
	return patiently(ctx, func(ctx context.Context) error {
		var first []rejected // entered only once all can be read
		var more int64
		for rec, err := range v.f.reject.Read(ctx, name) {
			if bucket.IsNotFound(err) || accepted && quarantine.IsDamaged(err) {
				return nil
			}
			if err != nil {
				return err
			}
			at, err := position(rec)
			if err != nil {
				return err
			}
			switch {
			case !v.selects(at.Key, name):
			case len(first) < receipt.MaxFindings:
				first = append(first, rejected{at, rec.Reason})
			default: // single records of one object; others lie alone
				more++
			}
		}
		for _, r := range first {
			v.rejectedAs(r, name, accepted)
		}
		if accepted {
			v.count(func(o *Verified) { o.Accepted += int64(len(first)) + more })
			return nil
		}
		v.count(func(o *Verified) { o.Records += more; o.Count(receipt.Quarantined, more) })
		return nil
	})
}

type rejected struct {
	source
	reason string
}

// selects tells whether a record in the quarantine object is one of those
// selected.
func (v *verification) selects(key, name string) bool {
	if key == "" { // an unreadable message
		return v.o.Prefix == "" && v.o.Shard.has(name)
	}
	below, ok := strings.CutPrefix(key, v.f.prefix)
	if !ok { // of another bucket, such as a wrong one
		below = key
	}
	return strings.HasPrefix(below, v.o.Prefix) && v.o.Shard.hasSource(below)
}

func (v *verification) rejectedAs(r rejected, name string, accepted bool) {
	where := r.Key
	switch {
	case where == "":
		where = "message " + r.Message
	case r.Line > 0:
		where = fmt.Sprintf("%s line %d", r.Key, r.Line)
		if !accepted {
			v.count(func(o *Verified) { o.Records++ })
		}
	default:
		v.count(func(*Verified) { v.rejected[markOf(r.Key, "")] = struct{}{} })
	}
	if !accepted {
		v.find(receipt.Quarantined, where, "%s (%s)", r.reason, name)
	}
}

// isRejected tells whether the source object is in quarantine.
func (v *verification) isRejected(key string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	_, ok := v.rejected[markOf(key, "")]
	return ok
}
