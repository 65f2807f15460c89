package quarantine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"time"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"
	"gocloud.dev/blob"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

// maxText is the longest record that is held to see whether it is UTF-8.
const maxText = 1 << 20

// Entry says why and whence a record was rejected.
type Entry struct {
	Function string
	// Reason tells people, Code programs. Neither may hold a secret.
	Reason, Code string
	// Source is the record's position, as JSON.
	Source json.RawMessage
	// Time is when it was rejected; [Batch.Add] fills in now.
	Time time.Time
}

// Store is one function's quarantine.
type Store struct {
	b        *bucket.Bucket
	function string
}

// New returns the quarantine of function in the bucket of QUARANTINE_URL.
func New(b *bucket.Bucket, function string) *Store { return &Store{b, function} }

// Name returns the object that [Store.Batch] with the same arguments writes.
func (s *Store) Name(day time.Time, id string) string {
	sum := sha256.Sum256([]byte(id))
	return s.function + "/" + day.UTC().Format("2006/01/02/") + hex.EncodeToString(sum[:16]) + ".ndjson.gz"
}

// Batch is one object's worth of rejected records. It is not safe for
// concurrent use.
type Batch struct {
	ctx      context.Context // of the one upload this batch is
	function string
	b        *bucket.Bucket
	name     string
	up       *bucket.Upload
	written  digest
	gz       *gzip.Writer
	records  int
}

// Batch begins an object. It is written under a name made of day and id: the
// same two, derived from where the records come from, name the same object.
// Nothing is written before the first [Batch.Add].
func (s *Store) Batch(ctx context.Context, day time.Time, id string) *Batch {
	return &Batch{ctx: ctx, function: s.function, b: s.b, name: s.Name(day, id)}
}

// Stage begins an object that is to become one of the quarantine, and until then
// lies at key in another bucket.
func (s *Store) Stage(ctx context.Context, in *bucket.Bucket, key string) *Batch {
	return &Batch{ctx: ctx, function: s.function, b: in, name: key}
}

// Add appends a record, which is read to its end and may be of any length. An
// error, of record too, spoils the batch: abort it.
func (b *Batch) Add(e Entry, record io.Reader) error {
	if b.up == nil {
		var err error
		if b.up, err = b.b.Begin(b.ctx, b.name, blob.WriterOptions{ContentType: "application/gzip"}); err != nil {
			return err
		}
		b.written.sum = sha256.New()
		b.gz = gzip.NewWriter(io.MultiWriter(b.up, &b.written))
	}
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	if len(e.Source) == 0 {
		e.Source = json.RawMessage("{}")
	}
	head, err := json.Marshal(struct {
		Function string          `json:"function"`
		Reason   string          `json:"reason"`
		Code     string          `json:"code"`
		Source   json.RawMessage `json:"source"`
		Time     time.Time       `json:"time"`
	}{b.function, e.Reason, e.Code, e.Source, e.Time.UTC()})
	if err != nil {
		return fmt.Errorf("quarantine: %w", err)
	}
	start, err := io.ReadAll(io.LimitReader(record, maxText+1))
	if err != nil {
		return err
	}
	b.records++
	head = head[:len(head)-1]
	if len(start) <= maxText && utf8.Valid(start) {
		return b.write(head, []byte(`,"record":`), text(start), []byte("}\n"))
	}
	if err := b.write(head, []byte(`,"encoding":"base64","record":"`)); err != nil {
		return err
	}
	enc := base64.NewEncoder(base64.StdEncoding, b.gz)
	if _, err := io.Copy(enc, io.MultiReader(bytes.NewReader(start), record)); err != nil {
		return err
	}
	if err := enc.Close(); err != nil {
		return err
	}
	return b.write([]byte("\"}\n"))
}

func (b *Batch) write(parts ...[]byte) error {
	for _, p := range parts {
		if _, err := b.gz.Write(p); err != nil {
			return err
		}
	}
	return nil
}

// text writes valid UTF-8 as a JSON string, leaving <, > and & as they are.
func text(p []byte) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(string(p)) // neither a string nor a bytes.Buffer fails
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// Sum returns the number of bytes and the SHA-256, in hexadecimal digits, of the
// object that was committed.
func (b *Batch) Sum() (size int64, sum string) {
	return b.written.size, hex.EncodeToString(b.written.sum.Sum(nil))
}

// digest counts and hashes what an object holds.
type digest struct {
	sum  hash.Hash
	size int64
}

func (d *digest) Write(p []byte) (int, error) {
	d.size += int64(len(p))
	return d.sum.Write(p)
}

// Records returns how many records were added.
func (b *Batch) Records() int { return b.records }

// Commit makes the records durable: after it, and not before, their messages
// may be acknowledged. A batch without records writes nothing. It returns the
// object's name, empty if there is none.
func (b *Batch) Commit() (string, error) {
	if b.up == nil {
		return "", nil
	}
	if err := b.gz.Close(); err != nil {
		b.Abort()
		return "", err
	}
	up := b.up
	b.up = nil
	return b.name, up.Commit()
}

// Abort drops the batch, unless it is committed.
func (b *Batch) Abort() {
	if b.up != nil {
		b.up.Abort()
		b.up = nil
	}
}

// Put writes a batch of one record, and returns its name.
func (s *Store) Put(ctx context.Context, day time.Time, id string, e Entry, record []byte) (string, error) {
	b := s.Batch(ctx, day, id)
	if err := b.Add(e, bytes.NewReader(record)); err != nil {
		b.Abort()
		return "", err
	}
	return b.Commit()
}
