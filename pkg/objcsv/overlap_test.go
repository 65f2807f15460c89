package objcsv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/siemfeed/siemfeed/pkg/retry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// limited takes n bytes and then fails.
type limited struct {
	bytes.Buffer
	n   int
	err error
}

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > l.n {
		k, _ := l.Buffer.Write(p[:l.n-l.Len()])
		return k, l.err
	}
	return l.Buffer.Write(p)
}

// A large object is read ahead. Whatever fails, and wherever: the error says
// what, what was written is the start of the right output, and no goroutine is
// left to touch what the caller owns.
func TestAnyFaultOfALargeObject(t *testing.T) {
	const records = 100_000
	var ndjson, csv, broken strings.Builder
	for i := range records {
		fmt.Fprintf(&ndjson, "{\"a\":%d,\"b\":\"%x\"}\n", i, i*i)
		fmt.Fprintf(&csv, "%d,%x\n", i, i*i)
		if i%1000 == 999 {
			broken.WriteString("no record\n")
		}
		fmt.Fprintf(&broken, "{\"a\":%d,\"b\":\"%x\"}\n", i, i*i)
	}
	want := csv.String()
	c := newConverter(t, Options{Columns: []string{"a", "b"}})
	for name, text := range map[string]string{"ndjson": ndjson.String(), "csv": want, "rejects": broken.String()} {
		for layers, object := range map[string][]byte{"one layer": stored(text), "two layers": stored(string(stored(text)))} {
			t.Run(name+" in "+layers, func(t *testing.T) {
				rapid.Check(t, func(t *rapid.T) { anyFault(t, c, object, want, name == "rejects") })
			})
		}
	}
}

func anyFault(t *rapid.T, c *Converter, object []byte, want string, rejects bool) {
	lost, full, refused, gone := errors.New("connection lost"), errors.New("store full"), errors.New("quarantine refused"), errors.New("shutting down")
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	at := func(most int, label string) int {
		return rapid.OneOf(rapid.Just(most), rapid.IntRange(0, most)).Draw(t, label)
	}
	end := at(len(object), "source ends")
	src := io.Reader(bytes.NewReader(object[:end]))
	transient := rapid.Bool().Draw(t, "by a lost connection")
	if transient && end < len(object) {
		src = io.MultiReader(src, iotest.ErrReader(lost))
	}
	cancelled := at(len(object), "the context ends")
	read := 0
	src = io.TeeReader(src, writerFunc(func(p []byte) (int, error) {
		if read += len(p); read > cancelled {
			cancel(gone)
		}
		return len(p), nil
	}))
	dst := &limited{n: at(len(want), "output takes"), err: full}
	left := at(100, "quarantine takes")
	res, err := c.Convert(ctx, dst, src, func(Rejected) error {
		if left--; left < 0 {
			return refused
		}
		return nil
	})
	after := read
	if !strings.HasPrefix(want, dst.String()) {
		t.Fatal("what was written is not the start of the output")
	}
	met := map[error]bool{lost: transient && end < len(object), full: dst.n < len(want), refused: rejects && left < 0, gone: cancelled < len(object)}
	switch fault := CodeOf(err); {
	case err == nil:
		if dst.String() != want || end < len(object) || res.RecordsOut != 100_000 || res.BytesIn != int64(len(object)) {
			t.Fatalf("no error, %d of %d bytes: %+v", dst.Len(), len(want), res)
		}
	case fault != "":
		if transient || end == len(object) || !retry.IsPermanent(err) {
			t.Fatal("a good object is blamed: ", err)
		}
	default:
		for e, possible := range met {
			if errors.Is(err, e) && possible && !retry.IsPermanent(err) {
				e = nil
			}
			if e == nil {
				if read != after {
					t.Fatal("the source is read on")
				}
				return
			}
		}
		t.Fatal("nothing failed like this: ", err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// The output fails while the source hangs: the output is blamed, at once.
func TestSourceHangsWhileTheOutputFails(t *testing.T) {
	object := stored(strings.Repeat("1,2,3\n", 1<<20))
	const arrives = 3 << 20
	hangs, interrupted := make(chan struct{}), make(chan struct{})
	src := io.MultiReader(bytes.NewReader(object[:arrives]), readFunc(func([]byte) (int, error) {
		close(hangs)
		<-interrupted
		return 0, context.Canceled
	}))
	full := errors.New("store full")
	written := 0
	dst := writerFunc(func(p []byte) (int, error) {
		if written += len(p); written > arrives-256<<10 { // what is between is read ahead
			<-hangs
			return 0, full
		}
		return len(p), nil
	})
	_, err := newConverter(t, Options{}).Convert(t.Context(), dst, Interruptible(src, func() { close(interrupted) }), nil)
	if !errors.Is(err, full) || retry.IsPermanent(err) {
		t.Error(err)
	}
}
