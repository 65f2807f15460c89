package quarantine

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

// maxLine fits every line whose record is at most maxText long, each of its
// bytes escaped.
const maxLine = 8 << 20

// Object is an object in quarantine, as it was when it was listed.
type Object struct {
	Name string
	ETag string
	Size int64
	Time time.Time // when it was written
}

// Record is one rejected record.
type Record struct {
	Entry
	// Record is what was received. It is nil when Long is set: the record is
	// too long to hold, and can be found at its source.
	Record []byte
	Long   bool
	// Object and Line, counted from 1, are where it lies.
	Object string
	Line   int
}

// Pending lists the objects that were not replayed, oldest day first.
func (s *Store) Pending(ctx context.Context) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		for obj, err := range s.b.Objects(ctx, s.function+"/") {
			if err != nil {
				yield(Object{}, err)
				return
			}
			if !strings.HasSuffix(obj.Key, ".ndjson.gz") {
				continue
			}
			o, done, err := s.state(ctx, obj.Key)
			if bucket.IsNotFound(err) || err == nil && done != pending {
				continue
			}
			if !yield(o, err) || err != nil {
				return
			}
		}
	}
}

// fate is what became of an object in quarantine.
type fate int

const (
	pending  fate = iota
	replayed      // all of it was taken care of
	accepted      // as lost
)

// state describes the object called name, and what became of it as it is now.
func (s *Store) state(ctx context.Context, name string) (Object, fate, error) {
	attrs, err := s.b.Attributes(ctx, name)
	if err != nil {
		return Object{}, pending, fmt.Errorf("quarantine %s: %w", name, err)
	}
	o := Object{Name: name, ETag: attrs.ETag, Size: attrs.Size, Time: attrs.ModTime}
	var m mark
	err = s.b.ReadJSON(ctx, s.markOf(name), &m)
	switch {
	case bucket.IsNotFound(err):
		return o, pending, nil
	case err != nil:
		return Object{}, pending, err
	case bucket.ContentTag(m.ETag) != bucket.ContentTag(o.ETag):
		return o, pending, nil
	case m.Accepted:
		return o, accepted, nil
	}
	return o, replayed, nil
}

type mark struct {
	ETag     string    `json:"etag"` // of the object that was replayed
	Replayed time.Time `json:"replayed"`
	Accepted bool      `json:"accepted,omitempty"` // as lost, rather than replayed
}

func (s *Store) markOf(name string) string {
	rest := strings.TrimPrefix(name, s.function+"/")
	return s.function + "/replayed/" + strings.TrimSuffix(rest, ".ndjson.gz") + ".json"
}

// Replayed notes that every record of o was taken care of. Had the object been
// written anew meanwhile, it stays pending.
func (s *Store) Replayed(ctx context.Context, o Object) error {
	return s.b.PutJSON(ctx, s.markOf(o.Name), mark{ETag: o.ETag, Replayed: time.Now().UTC()})
}

// DamagedError says that an object, though the store gave it out, is not as this
// package writes them: it was damaged, or put there by somebody else.
type DamagedError struct {
	Object string
	Line   int // from which on it cannot be read
	err    error
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("quarantine %s cannot be read from line %d on: it was damaged, or put there by somebody else: %v", e.Object, e.Line, e.err)
}

func (e *DamagedError) Unwrap() error { return e.err }

// IsDamaged tells whether err is a [*DamagedError]: no reason to leave other
// objects alone.
func IsDamaged(err error) bool {
	var damaged *DamagedError
	return errors.As(err, &damaged)
}

// received remembers why a reader ended early.
type received struct {
	r   io.Reader
	err error
}

func (r *received) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}

// Read reads the records of the object called name. One that is not as this
// package writes them is a [*DamagedError], after the records before.
func (s *Store) Read(ctx context.Context, name string) iter.Seq2[Record, error] {
	return s.read(ctx, name, maxLine)
}

// ReadWhole is [Store.Read] where records of up to so many bytes are to be held,
// each of which then takes some four times its length.
func (s *Store) ReadWhole(ctx context.Context, name string, longest int) iter.Seq2[Record, error] {
	return s.read(ctx, name, max(maxLine, base64.StdEncoding.EncodedLen(longest)+maxText))
}

func (s *Store) read(ctx context.Context, name string, longest int) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		r, err := s.b.NewReader(ctx, name, nil)
		if err != nil {
			yield(Record{}, fmt.Errorf("quarantine %s: %w", name, err))
			return
		}
		defer func() { _ = r.Close() }()
		body := &received{r: r}
		failed := func(line int, err error) {
			if body.err != nil { // on the way: perhaps the object is sound
				err = fmt.Errorf("quarantine %s line %d: %w", name, line, body.err)
			} else {
				err = &DamagedError{name, line, err}
			}
			yield(Record{}, err)
		}
		gz, err := gzip.NewReader(body)
		if err != nil {
			failed(1, err)
			return
		}
		in := bufio.NewReaderSize(gz, 64<<10)
		for n := 1; ; n++ {
			rec, err := readLine(in, longest)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				failed(n, err)
				return
			}
			rec.Object, rec.Line = name, n
			if !yield(rec, nil) {
				return
			}
		}
	}
}

// readLine reads one record. It returns io.EOF itself only where no line is left.
func readLine(in *bufio.Reader, longest int) (Record, error) {
	var line []byte
	long := false
	for {
		part, err := in.ReadSlice('\n')
		if room := longest - len(line); len(part) > room {
			long = true
			part = part[:room]
		}
		line = append(line, part...)
		switch {
		case err == nil && long:
			return decodeHead(line)
		case err == nil:
			return decode(line)
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(line) > 0:
			return Record{}, io.ErrUnexpectedEOF
		default:
			return Record{}, err
		}
	}
}

type wire struct {
	Function string          `json:"function"`
	Reason   string          `json:"reason"`
	Code     string          `json:"code"`
	Source   json.RawMessage `json:"source"`
	Time     time.Time       `json:"time"`
	Encoding string          `json:"encoding"`
	Record   string          `json:"record"`
}

func (w wire) entry() Entry { return Entry{w.Function, w.Reason, w.Code, w.Source, w.Time} }

func decode(line []byte) (Record, error) {
	var w wire
	if err := json.Unmarshal(line, &w); err != nil {
		return Record{}, err
	}
	rec := Record{Entry: w.entry(), Record: []byte(w.Record)}
	switch w.Encoding {
	case "":
	case "base64":
		var err error
		if rec.Record, err = base64.StdEncoding.DecodeString(w.Record); err != nil {
			return Record{}, err
		}
	default:
		return Record{}, fmt.Errorf("encoding %.32q is not understood", w.Encoding)
	}
	return rec, nil
}

// decodeHead reads what stands before the record in a line that was cut.
func decodeHead(line []byte) (Record, error) {
	dec := json.NewDecoder(bytes.NewReader(line))
	if _, err := dec.Token(); err != nil {
		return Record{}, err
	}
	head := map[string]json.RawMessage{}
	for {
		name, err := dec.Token()
		if err != nil {
			return Record{}, err
		}
		key, ok := name.(string)
		if !ok {
			return Record{}, errors.New("a line over the limit has no record")
		}
		if key == "record" {
			break
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return Record{}, err
		}
		head[key] = value
	}
	text, err := json.Marshal(head)
	if err != nil {
		return Record{}, err
	}
	var w wire
	if err := json.Unmarshal(text, &w); err != nil {
		return Record{}, err
	}
	return Record{Entry: w.entry(), Long: true}, nil
}
