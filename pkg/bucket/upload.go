package bucket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"

	"gocloud.dev/blob"

	"github.com/siemfeed/siemfeed/pkg/retry"
)

// Upload is an object being written. Nothing of it is visible before
// [Upload.Commit], and nothing stays behind after [Upload.Abort]: one of the
// two has to be called.
//
// On file:// an object is two files, its content and, beside it, its
// attributes, which are written first and in place. So that no kill leaves
// the attributes of another content, or half of them, with an object: one to
// create has no content before; one to replace goes without attributes, unless
// it has metadata; and then its old content is removed first.
type Upload struct {
	b      *Bucket
	w      *blob.Writer // nil until more than head is written
	head   bytes.Buffer
	ctx    context.Context
	cancel context.CancelFunc
	key    string
	opts   blob.WriterOptions
	done   bool
}

// Begin starts writing an object at key: create-only if opts.IfNotExist says
// so (see [Bucket.Create]), else replacing what is there.
func (b *Bucket) Begin(ctx context.Context, key string, opts blob.WriterOptions) (*Upload, error) {
	if err := b.Admit(ctx, key, true); err != nil {
		return nil, err
	}
	if b.dir != nil && !b.dir.holds(key) {
		return nil, retry.Permanent(fmt.Errorf("write %s: no file can have this name", key))
	}
	// Cancelling before Close is how gocloud is told to drop what was written.
	ctx, cancel := context.WithCancel(ctx)
	b.bound(&opts)
	u := &Upload{b: b, ctx: ctx, cancel: cancel, key: key, opts: opts}
	if schemes[b.kind].eager {
		return u, nil
	}
	if err := u.start(); err != nil {
		cancel()
		return nil, err
	}
	return u, nil
}

// start opens the writer and gives it what was held back.
func (u *Upload) start() (err error) {
	to := u.b.Bucket
	if u.b.dir != nil {
		to = u.b.dir.writer(u.key)
		if u.opts.ContentType == "" { // as of an object without attributes, not by its first bytes
			u.opts.ContentType = "application/octet-stream"
		}
	}
	u.w, err = to.NewWriter(u.ctx, u.key, &u.opts)
	if err != nil { // nothing was asked of the store yet: a closed bucket has gocloud's code for a failed condition too
		return fmt.Errorf("write %s: %w", u.key, err)
	}
	if u.head.Len() > 0 {
		_, err = u.head.WriteTo(u.w)
		u.head = bytes.Buffer{}
	}
	return u.explain(err)
}

// Write implements [io.Writer].
func (u *Upload) Write(p []byte) (int, error) {
	if u.w == nil {
		if u.head.Len()+len(p) <= headSize {
			return u.head.Write(p)
		}
		if err := u.start(); err != nil {
			return 0, err
		}
	}
	n, err := u.w.Write(p)
	return n, u.explain(err)
}

// Commit makes the object visible, whole. For a create-only upload it returns
// [ErrExists] when an object is there already.
func (u *Upload) Commit() error {
	u.done = true
	defer u.cancel()
	if u.w == nil {
		u.opts.BufferSize = smallPart(u.head.Len())
		if err := u.start(); err != nil {
			return err
		}
	}
	return u.explain(u.close())
}

// Abort drops what was written, unless Commit was called.
func (u *Upload) Abort() {
	if !u.done {
		u.done = true
		u.cancel()
		if u.w != nil {
			_ = u.w.Close() // it only tells that the upload was cancelled
		}
	}
}

func (u *Upload) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case u.opts.IfNotExist && (isExists(err) || errors.Is(err, ErrExists)):
		// An upload in chunks may be refused at its first one.
		return fmt.Errorf("create %s: %w", u.key, ErrExists)
	}
	return fmt.Errorf("write %s: %w", u.key, err)
}

// close finishes the write. fileblob looks for the target of a create-only one
// and then renames, with nothing in between to stop another process from doing
// the same; the lock does, and the kernel drops it if we are killed.
func (u *Upload) close() error {
	dir := u.b.dir
	if dir == nil || !u.opts.IfNotExist && (dir.skip || len(u.opts.Metadata) == 0) { // not file, or nothing to guard
		return u.w.Close()
	}
	unlock, err := dir.lock()
	if err != nil {
		return u.fail(err)
	}
	defer unlock()
	file := dir.file(u.key)
	if u.opts.IfNotExist {
		if _, err := os.Stat(file); err == nil {
			return u.fail(ErrExists)
		}
	} else if err := u.b.Remove(context.Background(), u.key); err != nil {
		return u.fail(err)
	}
	if dir.skip {
		return u.w.Close()
	}
	if err := attributesOf(u.opts).write(file); err != nil {
		return u.fail(err)
	}
	if err := u.w.Close(); err != nil {
		return errors.Join(err, removeAttributes(file))
	}
	return nil
}

func (u *Upload) fail(err error) error {
	u.cancel()
	if closed := u.w.Close(); !errors.Is(closed, context.Canceled) {
		err = errors.Join(err, closed)
	}
	return err
}
