package bucket

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // what stores compare contents by
	"errors"
	"fmt"
	"hash"
	"net/http"
	"os"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/service/s3"
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
	w      *blob.Writer  // nil until more than head is written
	head   *bytes.Buffer // nil once there is a writer
	ctx    context.Context
	cancel context.CancelFunc
	key    string
	opts   blob.WriterOptions
	sum    hash.Hash // of what was written, where the options announce one
	atOnce bool      // the object is no more than the head
	taken  bool      // and is sent out of it
	done   bool
}

// Begin starts writing an object at key: create-only if opts.IfNotExist says
// so (see [Bucket.Create]), else replacing what is there.
func (b *Bucket) Begin(ctx context.Context, key string, opts blob.WriterOptions) (*Upload, error) {
	if err := b.Admit(ctx, key, true); err != nil {
		return nil, err
	}
	if b.dir != nil && !b.dir.holds(key) {
		return nil, retry.Permanent(&NameError{key, errors.New("no file has this name")})
	}
	// Cancelling before Close is how gocloud is told to drop what was written.
	ctx, cancel := context.WithCancel(ctx)
	u := &Upload{b: b, ctx: ctx, cancel: cancel, key: key, opts: opts}
	if len(opts.ContentMD5) > 0 {
		u.sum = md5.New() //nolint:gosec // as above
	}
	u.bound()
	if schemes[b.kind].hold > 0 {
		u.hold()
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
		return fmt.Errorf("write %s: %w", u.key, u.b.misnamed(u.key, err))
	}
	if u.head != nil && !u.taken {
		_, err = u.w.Write(u.head.Bytes())
		u.release()
	}
	return u.explain(err)
}

// hold takes a buffer for the head.
func (u *Upload) hold() {
	var ok bool
	if u.head, ok = u.b.heads.Get().(*bytes.Buffer); !ok {
		u.head = new(bytes.Buffer)
	}
}

// release gives it back. Nobody may read it any more.
func (u *Upload) release() {
	if u.head != nil {
		u.head.Reset()
		u.b.heads.Put(u.head)
		u.head = nil
	}
}

// take gives out the object, for it to be sent out of the head. It is nil if there
// is more of it, which has to go through the writer.
func (u *Upload) take() []byte {
	if !u.atOnce {
		return nil
	}
	u.taken = true
	return u.head.Bytes()
}

// Write implements [io.Writer].
func (u *Upload) Write(p []byte) (int, error) {
	if u.sum != nil {
		_, _ = u.sum.Write(p) // it cannot fail
	}
	if u.w == nil {
		if u.head.Len()+len(p) <= schemes[u.b.kind].hold {
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
	if err := u.announced(); err != nil {
		u.Abort()
		return err
	}
	u.done = true
	defer u.cancel()
	if u.w == nil {
		u.small()
		if err := u.start(); err != nil {
			return err
		}
	}
	err := u.explain(u.close())
	if err == nil { // a request that failed may still be reading it
		u.release()
	}
	return err
}

// announced returns an error where something else was written than the MD5 among
// the options says. gocloud looks too, but its error has the code of one that says
// that the object exists, and it sees nothing of what goes out of the head.
func (u *Upload) announced() error {
	if u.sum == nil || bytes.Equal(u.sum.Sum(nil), u.opts.ContentMD5) {
		return nil
	}
	return retry.Permanent(fmt.Errorf("write %s: the content is damaged: its MD5 is %x, and %x was announced", u.key, u.sum.Sum(nil), u.opts.ContentMD5))
}

// small has the object go out in one request: all of it is in the head.
func (u *Upload) small() {
	var client *s3.Client
	if !u.b.As(&client) {
		u.opts.BufferSize = smallPart(u.head.Len())
		return
	}
	if u.opts.ContentType == "" && !u.opts.DisableContentTypeDetection { // gocloud sees nothing of it
		u.opts.ContentType = http.DetectContentType(u.head.Bytes())
	}
	u.opts.ContentMD5 = nil // S3 is not sent it
	u.atOnce = true
}

// Abort drops what was written, unless Commit was called.
func (u *Upload) Abort() {
	if !u.done {
		u.done = true
		u.cancel()
		if u.w != nil {
			_ = u.w.Close() // it only tells that the upload was cancelled
		}
		u.release()
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
	return fmt.Errorf("write %s: %w", u.key, u.b.misnamed(u.key, err))
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
		switch info, err := os.Stat(file); {
		case err == nil && info.IsDir():
			return u.fail(&os.PathError{Op: "create", Path: file, Err: syscall.EISDIR})
		case err == nil:
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
