package muleaudit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gocloud.dev/blob"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

// publish copies the staged objects of the manifest at manifestPath to the output
// and to quarantine, create-only, and then removes what staging left. Any number of
// runs may do so for the same manifest: the bytes are decided, so that to find an
// object published is as good as publishing it.
func (f *Function) publish(ctx context.Context, l orgState, manifestPath string, m manifest) error {
	if err := f.publishParts(ctx, f.output, m.Parts); err != nil {
		return err
	}
	if err := f.publishParts(ctx, f.held, m.Rejected); err != nil {
		return fmt.Errorf("quarantine: %w", err)
	}
	for _, p := range slices.Concat(m.Parts, m.Rejected) {
		if err := f.state.Remove(ctx, p.Staged); err != nil {
			return err
		}
	}
	return f.state.Remove(ctx, l.pendingOf(manifestPath))
}

// publishParts publishes objects. It ends early when one is not staged any more:
// nothing is removed before the whole manifest is published.
func (f *Function) publishParts(ctx context.Context, to *bucket.Bucket, parts []part) error {
	for _, p := range parts {
		if done, err := f.publishPart(ctx, to, p); done || err != nil {
			return err
		}
	}
	return nil
}

// publishPart publishes one object. It returns true when the whole manifest is
// published already: staged objects are removed only after that. Retrying is
// left to the storage clients, which do it at their own edge.
func (f *Function) publishPart(ctx context.Context, to *bucket.Bucket, p part) (done bool, err error) {
	r, err := f.state.NewReader(ctx, p.Staged, nil)
	if bucket.IsNotFound(err) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("read %s: %w", p.Staged, err)
	}
	defer func() { _ = r.Close() }()
	err = to.CreateSum(ctx, p.Name, r, p.Bytes, p.SHA256, blob.WriterOptions{ContentType: contentType, ContentMD5: p.md5()})
	if errors.Is(err, bucket.ErrExists) {
		err = retry.Permanent(fmt.Errorf("%s exists with other content than STATE_URL decided: was STATE_URL emptied or changed? Move the object away, or restore the state", p.Name))
	}
	return false, err
}

const contentType = "application/gzip"

// publishPending publishes the manifests that are marked as pending: those of runs
// that were killed, or of others that are just at it. It returns their parts.
func (f *Function) publishPending(ctx context.Context, l orgState, run string) (parts []part, err error) {
	for mark, err := range f.state.Objects(ctx, l.dir("pending")+"/") {
		if err != nil {
			return parts, err
		}
		manifestPath, err := l.markedBy(mark.Key)
		if err != nil {
			return parts, err
		}
		m, err := readManifest(ctx, f.state, manifestPath, nil)
		switch {
		case bucket.IsNotFound(err): // marked, not decided on yet: that run may be about to
			if time.Since(mark.ModTime) > orphanAge {
				err = f.state.Remove(ctx, mark.Key)
			} else {
				err = nil
			}
		case err == nil && m.Run != run: // else by another walk of this run, or it failed and said so
			if err = f.publish(ctx, l, manifestPath, m); err == nil {
				parts = append(parts, m.Parts...)
			}
		}
		if err != nil {
			return parts, err
		}
	}
	return parts, nil
}

// orphanAge is when staged objects, and marks without a manifest, count as left
// behind: longer than any run may take.
const orphanAge = 48 * time.Hour

// removeOrphans removes what killed runs staged and never decided on. It comes
// after everything pending is published, so no manifest needs what it removes.
func (f *Function) removeOrphans(ctx context.Context, l orgState) error {
	for obj, err := range f.state.Objects(ctx, l.dir("staged")+"/") {
		if err != nil {
			return err
		}
		if time.Since(obj.ModTime) > orphanAge {
			if err := f.state.Remove(ctx, obj.Key); err != nil {
				return err
			}
		}
	}
	return nil
}
