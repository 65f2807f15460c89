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
	"github.com/siemfeed/siemfeed/pkg/quarantine"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

// errChanged says that source or target are not what they were: look again.
var errChanged = errors.New("the object keeps changing while it is read")

// maxLooks is how often one attempt starts over because something changed.
const maxLooks = 5

// convert makes the target of the source object at key, without its prefix.
func (f *Function) convert(ctx context.Context, key string, force bool) (o Object, err error) {
	done, err := f.turns.take(ctx, objcsv.TargetKey(key))
	if err != nil {
		return Object{Key: f.prefix + key}, err
	}
	defer done()
	for range maxLooks {
		o, err = f.look(ctx, key, force)
		if !errors.Is(err, errChanged) {
			return o, err
		}
	}
	return o, fmt.Errorf("%s: %w", key, err)
}

// look decides what to do about an object as it is now, and does it.
func (f *Function) look(ctx context.Context, key string, force bool) (Object, error) {
	o := Object{Key: f.prefix + key}
	src, err := f.parts.Source.Attributes(ctx, key)
	if bucket.IsNotFound(err) {
		return o, f.gone(ctx)
	}
	if err != nil {
		return o, fmt.Errorf("look at source %s: %w", o.Key, err)
	}
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
	switch {
	case err != nil:
		return o, err
	case state == foreign:
		return o, collision(o.Target, there)
	case state == current && !force:
		o.Status = Unchanged
		return o, nil
	}
	err = f.write(ctx, key, src, blob.WriterOptions{
		ContentType: "text/csv; charset=utf-8",
		Metadata:    origin,
		IfNotExist:  state == absent,
	}, &o)
	return o, err
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

// write converts one version of an object. Nothing is visible at the target
// unless it returns nil or errChanged; after errChanged, what is there was made
// from a version that has been replaced since.
func (f *Function) write(ctx context.Context, key string, src *blob.Attributes, opts blob.WriterOptions, o *Object) error {
	in, err := f.parts.Source.ReadIf(ctx, key, src)
	if bucket.IsNotFound(err) || errors.Is(err, bucket.ErrChanged) {
		return errChanged
	}
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()

	out, err := f.parts.Dest.Begin(ctx, o.Target, opts)
	if err != nil {
		return err
	}
	defer out.Abort()
	rejects := f.reject.Batch(ctx, src.ModTime, fmt.Sprintf("records\x00%s\x00%s\x00%s", f.cfg.SourceBucket, o.Key, src.ETag))
	defer rejects.Abort()

	res, err := f.csv.Convert(ctx, out, objcsv.Exactly(in, src.Size), func(r objcsv.Rejected) error {
		at := source{Bucket: f.cfg.SourceBucket, Key: o.Key, ETag: src.ETag, Size: src.Size, Line: r.Line, Offset: &r.Offset}
		return rejects.Add(quarantine.Entry{Reason: string(r.Code) + ": " + r.Detail, Code: string(r.Code), Source: at.json()}, r.Record)
	})
	if err != nil && !retry.IsPermanent(err) {
		if errors.Is(err, bucket.ErrExists) { // refused at its first part
			return errChanged
		}
		return err
	}
	// A reader that does not hold to one version may have mixed two.
	if err != nil || !f.parts.Source.Pins() {
		if changed := f.changed(ctx, key, src); changed != nil {
			return changed
		}
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
	return f.changed(ctx, key, src)
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
	o.BytesIn, o.BytesOut = res.BytesIn, res.BytesOut
	o.Records, o.Rejected = res.RecordsOut, res.Rejected
	o.Replaced, o.Duplicates = res.Replaced, res.DuplicateKeys
	o.unknown, o.unknownOther = res.UnknownFields, res.UnknownOther
}
