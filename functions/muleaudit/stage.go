package muleaudit

import (
	"context"
	"crypto/md5" //nolint:gosec // what object stores verify an upload by
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/klauspost/compress/gzip"
	"gocloud.dev/blob"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/outcome"
)

// maxPartBytes is how much NDJSON one object holds; a SIEM reads an object as
// a whole, so it should stay moderate. One record may go beyond it.
const maxPartBytes = 512 << 20

// stage writes the events of one look as finished gzip objects into STATE_URL,
// streaming: it holds a compressor and an upload buffer, whatever the size.
// Events within a part are ordered by time; an event that is older than the
// one before it begins a new part.
type stage struct {
	ctx    context.Context
	state  *bucket.Bucket
	prefix string
	parts  []part
	open   *partWriter
	last   int64 // timestamp of the last event, in ms
}

type partWriter struct {
	part
	up   *bucket.Upload
	gz   *gzip.Writer
	out  io.Writer
	sha  hash.Hash
	md5  hash.Hash
	size counter
}

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// newStage stages below prefix, a folder no other look uses. ctx has to
// outlive the stage.
func newStage(ctx context.Context, state *bucket.Bucket, prefix string) *stage {
	return &stage{ctx: ctx, state: state, prefix: prefix}
}

// add appends one event. ms is its timestamp; an event without one (ok false)
// stays behind the one before it.
func (s *stage) add(event []byte, ms int64, ok bool) error {
	if s.open != nil && (ok && ms < s.last || s.open.RawBytes > maxPartBytes) {
		if err := s.closePart(); err != nil {
			return err
		}
	}
	if s.open == nil {
		if err := s.openPart(); err != nil {
			return err
		}
		s.last = ms
	}
	if ok {
		s.last = ms
	}
	s.open.Events++
	s.open.RawBytes += int64(len(event)) + 1
	if _, err := s.open.gz.Write(event); err != nil {
		return fmt.Errorf("stage %s: %w", s.open.Staged, err)
	}
	if _, err := s.open.gz.Write(newline); err != nil {
		return fmt.Errorf("stage %s: %w", s.open.Staged, err)
	}
	return nil
}

var newline = []byte{'\n'}

func (s *stage) openPart() error {
	p := &partWriter{sha: sha256.New(), md5: md5.New()} //nolint:gosec // see the import
	p.Staged = fmt.Sprintf("%s%03d.json.gz", s.prefix, len(s.parts)+1)
	var err error
	if p.up, err = s.state.Begin(s.ctx, p.Staged, blob.WriterOptions{ContentType: contentType}); err != nil {
		return fmt.Errorf("stage: %w", err)
	}
	p.out = io.MultiWriter(p.up, p.sha, p.md5, &p.size)
	// Level 1 costs a third of the default's time for a tenth more bytes, and
	// the window and tables of one writer are the largest thing a look holds.
	if p.gz, err = gzip.NewWriterLevel(p.out, gzip.BestSpeed); err != nil {
		p.up.Abort()
		return err
	}
	s.open = p
	return nil
}

func (s *stage) closePart() error {
	p := s.open
	s.open = nil
	defer p.up.Abort()
	if err := p.gz.Close(); err != nil {
		return fmt.Errorf("stage %s: %w", p.Staged, err)
	}
	if err := p.up.Commit(); err != nil {
		return fmt.Errorf("stage: %w", err)
	}
	p.Bytes = int64(p.size)
	p.SHA256, p.MD5 = hex.EncodeToString(p.sha.Sum(nil)), hex.EncodeToString(p.md5.Sum(nil))
	s.parts = append(s.parts, p.part)
	return nil
}

// finish ends the last part and returns all of them, not named yet.
func (s *stage) finish() ([]part, error) {
	if s.open != nil {
		if err := s.closePart(); err != nil {
			return nil, err
		}
	}
	return s.parts, nil
}

// discard removes what was staged, for a look that ends without a manifest.
func (s *stage) discard() error {
	if p := s.open; p != nil {
		s.open = nil
		p.up.Abort()
	}
	// The look may end because its context has; tidying up must not. What it
	// does not get done, a later run will.
	ctx, cancel := outcome.LastWords(s.ctx)
	defer cancel()
	var errs []error
	for _, p := range s.parts {
		errs = append(errs, s.state.Remove(ctx, p.Staged))
	}
	s.parts = nil
	return errors.Join(errs...)
}
