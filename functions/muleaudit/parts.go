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
)

// maxPartBytes is how much NDJSON one object holds; a SIEM reads an object as
// a whole, so it should stay moderate. One record may go beyond it.
const maxPartBytes = 512 << 20

// maxOrderedParts is how many objects of one manifest disorder may make, where
// the API's is more than package order puts right. The last one takes what still
// comes as it comes.
const maxOrderedParts = 4

// parts writes the events of one slice as finished gzip objects into STATE_URL,
// streaming: it holds a compressor and an upload buffer, whatever the size.
// Events within a part are ordered by time; one that is older than the one
// before it begins a new part.
type parts struct {
	ctx       context.Context
	state     *bucket.Bucket
	prefix    string
	done      []part
	open      *partWriter
	last      int64 // timestamp of the last event, in ms
	disorder  int   // parts that were ended for it
	unordered int64 // events in a part that holds newer ones before them
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

// newParts writes below prefix, which nothing else may have. ctx has to outlive
// them.
func newParts(ctx context.Context, state *bucket.Bucket, prefix string) parts {
	return parts{ctx: ctx, state: state, prefix: prefix}
}

// add appends one event of the time ms.
func (s *parts) add(event []byte, ms int64) error {
	back := s.open != nil && ms < s.last
	if back && s.disorder == maxOrderedParts-1 {
		s.unordered++
		back, ms = false, s.last
	}
	if back {
		s.disorder++
	}
	if s.open != nil && (back || s.open.RawBytes > maxPartBytes) {
		if err := s.closePart(); err != nil {
			return err
		}
	}
	if s.open == nil {
		if err := s.openPart(); err != nil {
			return err
		}
	}
	s.last = ms
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

func (s *parts) openPart() error {
	p := &partWriter{sha: sha256.New(), md5: md5.New()} //nolint:gosec // see the import
	p.Staged = fmt.Sprintf("%s%03d.json.gz", s.prefix, len(s.done)+1)
	var err error
	if p.up, err = s.state.Begin(s.ctx, p.Staged, blob.WriterOptions{ContentType: contentType}); err != nil {
		return fmt.Errorf("stage: %w", err)
	}
	p.out = io.MultiWriter(p.up, p.sha, p.md5, &p.size)
	// Level 1 costs a third of the default's time for a tenth more bytes, and
	// the window and tables of one writer are the largest thing a walk holds.
	if p.gz, err = gzip.NewWriterLevel(p.out, gzip.BestSpeed); err != nil {
		p.up.Abort()
		return err
	}
	s.open = p
	return nil
}

// closePart ends the part under way, if there is one.
func (s *parts) closePart() error {
	p := s.open
	if p == nil {
		return nil
	}
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
	s.done = append(s.done, p.part)
	return nil
}

// finish ends the last part and returns all of them, not named yet.
func (s *parts) finish() ([]part, error) {
	err := s.closePart()
	return s.done, err
}

// discard removes what no manifest names.
func (s *parts) discard(ctx context.Context) error {
	if p := s.open; p != nil {
		s.open = nil
		p.up.Abort()
	}
	var errs []error
	for _, p := range s.done {
		errs = append(errs, s.state.Remove(ctx, p.Staged))
	}
	s.done = nil
	return errors.Join(errs...)
}
