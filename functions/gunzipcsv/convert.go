package gunzipcsv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"gocloud.dev/blob"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/objcsv"
	"github.com/siemfeed/siemfeed/pkg/overlap"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

// errChanged says that source or target are not what they were: look again.
var errChanged = errors.New("the object keeps changing while it is read")

// maxLooks is how often one attempt starts over because something changed.
const maxLooks = 5

// convert makes the target of the source object at key, without its prefix, and
// enters it in the run's manifest.
func (f *Function) convert(ctx context.Context, r *run, key string, again bool) (o Object, err error) {
	done, err := f.turns.take(ctx, objcsv.TargetKey(key))
	if err != nil {
		return Object{Key: f.prefix + key}, err
	}
	defer done()
	for range maxLooks {
		o, err = f.look(ctx, r, key, again)
		if !errors.Is(err, errChanged) {
			return o, err
		}
	}
	return o, fmt.Errorf("%s: %w", key, err)
}

// look decides what to do about an object as it is now, and does it. again says
// that its records are to be rejected anew, though it was converted before.
func (f *Function) look(ctx context.Context, r *run, key string, again bool) (Object, error) {
	o := Object{Key: f.prefix + key}
	src, err := f.parts.Source.Attributes(ctx, key)
	if bucket.IsNotFound(err) {
		return o, f.gone(ctx)
	}
	if err != nil {
		return o, fmt.Errorf("look at source %s: %w", o.Key, err)
	}
	o.etag = strings.Trim(src.ETag, `"`)
	if !strings.HasSuffix(key, ".gz") {
		gzip, err := f.isGzip(ctx, key)
		if err != nil || !gzip {
			o.Status = Skipped
			return o, err
		}
	}
	o.Target = objcsv.TargetKey(key)
	origin := f.origin(key, src)
	state, there, err := f.target(ctx, o.Target, origin)
	if err != nil {
		return o, err
	}
	switch state {
	case foreign:
		return o, collision(o.Target, there.Metadata)
	case current:
		listed, err := f.listed(ctx, r, o.Target, there)
		if err == nil && (again || !listed) {
			listed, err = f.prove(ctx, r, key, src, there, again, &o)
		}
		if err != nil {
			return o, err
		}
		if listed {
			o.Status = Unchanged
			return o, nil
		}
	}
	origin[metaRun] = r.r.Run
	err = f.write(ctx, r, key, src, blob.WriterOptions{
		ContentType: "text/csv; charset=utf-8",
		Metadata:    origin,
		IfNotExist:  state == absent,
		BufferSize:  bucket.PartSize(f.most(src.Size)),
		// Two parts are sent while the next is filled: one connection to a store
		// is slower than what fills it.
		MaxConcurrency: 2,
	}, &o)
	return o, err
}

// most is a bound of the CSV that an object of size bytes may become, in bytes.
// Quotes and commas at most double what is usual; a table of many columns that
// are empty is not.
func (f *Function) most(size int64) int64 {
	most := f.cfg.MaxOutputBytes
	if ratio := int64(f.cfg.MaxRatio); size < most/ratio {
		most = size * ratio
	}
	return 2 * most
}

// listed tells whether a manifest has the target as it is now. A run that was
// killed after a write may not have come to that.
func (f *Function) listed(ctx context.Context, r *run, target string, there *blob.Attributes) (bool, error) {
	by := there.Metadata[metaRun]
	if by == r.r.Run || r.list.has(target, there.ETag) {
		return r.list.has(target, there.ETag), nil
	}
	_, ok, err := f.recall.sum(ctx, by, target, there.ETag)
	return ok, err
}

// prove converts the source once more, to nowhere, and tells whether the target
// holds just what came out. If so it enters the target in the manifest.
func (f *Function) prove(ctx context.Context, r *run, key string, src, there *blob.Attributes, again bool, o *Object) (bool, error) {
	rejects := f.rejects(ctx, o.Key, src)
	defer rejects.Abort()
	sum := newDigest(io.Discard)
	if _, err := f.render(ctx, key, src, sum, rejects); err != nil {
		return false, err
	}
	if sum.n != there.Size {
		return false, nil
	}
	held, err := f.content(ctx, o.Target, there)
	if err != nil || held != sum.sum() {
		return false, err
	}
	if again {
		if o.Quarantine, err = rejects.Commit(); err != nil {
			return false, err
		}
		o.Rejected = int64(rejects.Records())
	}
	by := there.Metadata[metaRun]
	if _, err := manifestPrefix(by); err != nil {
		by = r.r.Run
	}
	r.list.add(by, f.written(o, src, there, held))
	return true, nil
}

// written is the line of a manifest for a target.
func (f *Function) written(o *Object, src, target *blob.Attributes, sum string) Written {
	return Written{
		Source: o.Key, SourceETag: src.ETag, SourceSize: src.Size, SourceTime: src.ModTime.UTC(),
		Target: o.Target, TargetETag: target.ETag, TargetSize: target.Size, TargetSHA256: sum, TargetTime: target.ModTime.UTC(),
	}
}

// gone rejects an object that is not there, once it is clear that the bucket
// is: a missing bucket is a fault of the configuration.
func (f *Function) gone(ctx context.Context) error {
	if err := f.parts.Source.Reachable(ctx); err != nil {
		return fmt.Errorf("SOURCE_URL %s: %w: correct it, or let the function's identity list it", f.parts.Source.URL, err)
	}
	return reject(CodeGone, "the object is not in the source: it was deleted before it could be read")
}

// isGzip looks at the magic bytes of an object whose name promises nothing.
func (f *Function) isGzip(ctx context.Context, key string) (bool, error) {
	r, err := f.parts.Source.NewRangeReader(ctx, key, 0, 2, nil)
	if bucket.IsNotFound(err) {
		return false, errChanged
	}
	if err != nil {
		if empty, sizeErr := f.isEmpty(ctx, key); sizeErr == nil && empty {
			return false, nil // a store may refuse a range of nothing
		}
		return false, fmt.Errorf("read %s: %w", key, err)
	}
	defer func() { _ = r.Close() }()
	var magic [2]byte
	_, err = io.ReadFull(r, magic[:])
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read %s: %w", key, err)
	}
	return magic == [2]byte{0x1f, 0x8b}, nil
}

func (f *Function) isEmpty(ctx context.Context, key string) (bool, error) {
	attrs, err := f.parts.Source.Attributes(ctx, key)
	return err == nil && attrs.Size == 0, err
}

// rejects begins the batch of the records that a version of an object rejects.
func (f *Function) rejects(ctx context.Context, key string, src *blob.Attributes) *quarantine.Batch {
	return f.reject.Batch(ctx, src.ModTime, fmt.Sprintf("records\x00%s\x00%s\x00%s", f.cfg.SourceBucket, key, src.ETag))
}

// render writes the CSV of one version of an object to w, and the records that
// become no row to rejects. It returns errChanged if it met another version, or
// none.
func (f *Function) render(ctx context.Context, key string, src *blob.Attributes, w io.Writer, rejects *quarantine.Batch) (objcsv.Result, error) {
	reading, stop := context.WithCancel(ctx)
	defer stop()
	in, err := f.parts.Source.ReadIf(reading, key, src)
	if bucket.IsNotFound(err) || errors.Is(err, bucket.ErrChanged) {
		return objcsv.Result{}, errChanged
	}
	if err != nil {
		return objcsv.Result{}, err
	}
	defer func() { _ = in.Close() }()
	res, err := f.csv.Convert(ctx, w, objcsv.Interruptible(objcsv.Exactly(in, src.Size), stop), func(r objcsv.Rejected) error {
		at := source{Bucket: f.cfg.SourceBucket, Key: f.prefix + key, ETag: src.ETag, Size: src.Size, Line: r.Line, Offset: &r.Offset}
		return rejects.Add(quarantine.Entry{Reason: string(r.Code) + ": " + r.Detail, Code: string(r.Code), Source: at.json()}, r.Record)
	})
	if err != nil && !retry.IsPermanent(err) {
		return res, err
	}
	// A reader that does not hold to one version may have mixed two.
	if err != nil || !f.parts.Source.Pins() {
		if changed := f.changed(ctx, key, src); changed != nil {
			return res, changed
		}
	}
	return res, err
}

// write converts one version of an object. Nothing is visible at the target
// unless it returns nil or errChanged; after errChanged, what is there was made
// from a version that has been replaced since.
func (f *Function) write(ctx context.Context, r *run, key string, src *blob.Attributes, opts blob.WriterOptions, o *Object) error {
	writing, stop := context.WithCancel(ctx)
	out, err := f.parts.Dest.Begin(writing, o.Target, opts)
	if err != nil {
		stop()
		return err
	}
	defer out.Abort()
	rejects := f.rejects(ctx, o.Key, src)
	defer rejects.Abort()

	reading, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	behind := overlap.NewWriter(&failFast{out, giveUp}, &f.buffers)
	defer behind.Drop()
	defer stop() // first, as a write may hang that Drop would wait for
	sum := newDigest(behind)
	res, err := f.render(reading, key, src, sum, rejects)
	switch failed := context.Cause(reading); {
	case err == nil:
		err = behind.Close()
	case failed != nil && ctx.Err() == nil:
		err = failed
	}
	if errors.Is(err, bucket.ErrExists) { // refused at its first part
		return errChanged
	}
	if err != nil {
		return err
	}
	if o.Quarantine, err = rejects.Commit(); err != nil {
		return err
	}
	if err = out.Commit(); errors.Is(err, bucket.ErrExists) {
		return errChanged
	} else if err != nil {
		return err
	}
	o.report(res)
	if err := f.enter(ctx, r, src, sum, o); err != nil {
		return err
	}
	return f.changed(ctx, key, src)
}

// failFast writes a target. The source may hang when that fails,
// and whoever waits for it would not come to know: giveUp ends the reading.
type failFast struct {
	io.Writer
	giveUp context.CancelCauseFunc
}

func (t *failFast) Write(p []byte) (int, error) {
	n, err := t.Writer.Write(p)
	if err != nil {
		t.giveUp(err)
	}
	return n, err
}

// enter asks the store what it made of the target just written, and enters it
// in the manifest. If that is somebody else's by now it returns errChanged.
func (f *Function) enter(ctx context.Context, r *run, src *blob.Attributes, sum *digest, o *Object) error {
	there, err := f.parts.Dest.Attributes(ctx, o.Target)
	if bucket.IsNotFound(err) {
		return errChanged
	}
	if err != nil {
		return fmt.Errorf("look at target %s: %w", o.Target, err)
	}
	if there.Metadata[metaRun] != r.r.Run || there.Size != sum.n {
		return errChanged
	}
	r.list.add(r.r.Run, f.written(o, src, there, sum.sum()))
	return nil
}

// changed returns errChanged if the object at key is another version than src
// now. One that is gone has not been replaced.
func (f *Function) changed(ctx context.Context, key string, src *blob.Attributes) error {
	now, err := f.parts.Source.Attributes(ctx, key)
	switch {
	case bucket.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("look at source %s: %w", key, err)
	case !bucket.IsVersion(src, now):
		return errChanged
	}
	return nil
}

func (o *Object) report(res objcsv.Result) {
	o.Status, o.Format = Converted, res.Format
	if res.Layers > 1 {
		o.Layers = res.Layers
	}
	o.BytesIn, o.BytesOut = res.BytesIn, res.BytesOut
	o.Records, o.Rejected = res.RecordsOut, res.Rejected
	o.Replaced, o.Duplicates = res.Replaced, res.DuplicateKeys
	o.unknown, o.unknownOther = res.UnknownFields, res.UnknownOther
}
