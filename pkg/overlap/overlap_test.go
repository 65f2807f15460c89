package overlap

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// end is one end of a stream. It moves on in pieces of any size, fails at byte
// fail, and tells whether it is used after it was given back.
type end struct {
	pieces []int
	calls  int
	n      int // bytes gone by
	fail   int // -1: never
	err    error
	out    []byte
	busy   atomic.Int32
	closed atomic.Bool
	misuse atomic.Bool
}

func (e *end) piece(most int) int {
	n := min(e.pieces[e.calls%len(e.pieces)], most)
	e.calls++
	if e.fail >= 0 {
		n = min(n, e.fail-e.n)
	}
	return n
}

func (e *end) enter() func() {
	if e.busy.Add(1) > 1 || e.closed.Load() {
		e.misuse.Store(true)
	}
	runtime.Gosched()
	return func() { e.busy.Add(-1) }
}

// source reads text, and then its error or io.EOF.
type source struct {
	end
	text []byte
}

func (s *source) Read(p []byte) (int, error) {
	defer s.enter()()
	if s.n == s.fail {
		return 0, s.err
	}
	n := copy(p[:s.piece(len(p))], s.text[s.n:])
	s.n += n
	if s.n == len(s.text) && s.fail < 0 {
		return n, io.EOF // together with the last bytes
	}
	return n, nil
}

type sink struct{ end }

func (s *sink) Write(p []byte) (int, error) {
	defer s.enter()()
	n := len(p)
	if s.fail >= 0 {
		n = min(n, s.fail-s.n)
	}
	s.n += n
	s.out = append(s.out, p[:n]...)
	if n < len(p) {
		return n, s.err
	}
	return n, nil
}

func pattern(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i * 7 >> 3)
	}
	return p
}

// Whatever goes wrong at either end or in between, what arrives is the start of
// what was sent, the error is one that was met, and nothing goes on afterwards.
func TestAnyFault(t *testing.T) {
	text := pattern(3 * alone)
	var buffers Buffers
	broken, full, enough := errors.New("source broken"), errors.New("store full"), errors.New("had enough")
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.SampledFrom([]int{0, 1, alone - 1, alone, alone + 1, 2 * alone, 3 * alone}).Draw(t, "size")
		pieces := rapid.SliceOfN(rapid.IntRange(1, 2*blockSize), 1, 5).Draw(t, "pieces")
		pieces = append(pieces, blockSize) // or it takes for ever
		at := rapid.OneOf(rapid.Just(-1), rapid.IntRange(0, max(size-1, 0)))
		src := &source{end{pieces: pieces, fail: at.Draw(t, "source fails at"), err: broken}, text[:size]}
		dst := &sink{end{fail: at.Draw(t, "sink fails at"), err: full}}
		stop := at.Draw(t, "the user stops at")
		step := rapid.IntRange(blockSize/2, 3*blockSize).Draw(t, "step")

		var r Reader
		r.Reset(src, &buffers)
		w := NewWriter(dst, &buffers)
		got := 0
		err := func() error {
			p := make([]byte, step)
			for {
				n, err := r.Read(p)
				if stop >= 0 && got+n >= stop {
					return enough
				}
				got += n
				if _, err := w.Write(p[:n]); err != nil {
					return err
				}
				if errors.Is(err, io.EOF) {
					return w.Close()
				} else if err != nil {
					return err
				}
			}
		}()
		r.Stop(nil)
		w.Drop()
		src.closed.Store(true)
		dst.closed.Store(true)

		if src.misuse.Load() || dst.misuse.Load() {
			t.Fatal("an end was used by two at once, or after it was given back")
		}
		if !bytes.HasPrefix(text, dst.out) {
			t.Fatal("what arrived is not what was sent")
		}
		switch {
		case err == nil && (!bytes.Equal(dst.out, text[:size]) || src.fail >= 0 || dst.fail >= 0 && size > 0 || stop >= 0 && size > 0):
			t.Fatalf("no error, %d of %d bytes", len(dst.out), size)
		case errors.Is(err, broken) && (src.fail < 0 || got != src.fail):
			t.Fatalf("the source's error came behind %d bytes, not %d", got, src.fail)
		case errors.Is(err, full) && dst.fail < 0, errors.Is(err, enough) && stop < 0:
			t.Fatal(err)
		case err != nil && !errors.Is(err, broken) && !errors.Is(err, full) && !errors.Is(err, enough):
			t.Fatal(err)
		}
	})
}

// endless reads for ever, but hangs behind hang bytes until quit is closed.
type endless struct {
	n, hang int
	hangs   chan struct{} // closed when it does
	quit    chan struct{}
}

func newEndless(hang int) *endless {
	return &endless{hang: hang, hangs: make(chan struct{}), quit: make(chan struct{})}
}

func (e *endless) Read(p []byte) (int, error) {
	if e.n >= e.hang {
		close(e.hangs)
		<-e.quit
		return 0, errors.New("interrupted")
	}
	e.n += len(p)
	return len(p), nil
}

// The reader goes on while its user does something else, and Stop ends it even
// where it hangs.
func TestReadsAhead(t *testing.T) {
	src := newEndless(alone + 2*blockSize)
	var r Reader
	r.Reset(src, new(Buffers))
	if _, err := io.CopyN(io.Discard, &r, alone+1); err != nil {
		t.Fatal(err)
	}
	await(t, src.hangs, "the source is not read while its user is busy")
	r.Stop(func() { close(src.quit) })
}

// The writer takes more while what it took is being written, and Drop leaves out
// what is not begun.
func TestWritesBehind(t *testing.T) {
	release, begun := make(chan struct{}), make(chan struct{})
	n := 0
	w := NewWriter(writeFunc(func(p []byte) (int, error) {
		if n += len(p); n > alone {
			close(begun)
			<-release
		}
		return len(p), nil
	}), new(Buffers))
	taken := make(chan struct{})
	go func() {
		defer close(taken)
		_, _ = w.Write(pattern(alone))
		_, _ = w.Write(pattern(depth * blockSize)) // fails never
	}()
	await(t, taken, "no more is taken while the sink is busy")
	await(t, begun, "the sink is left alone")
	time.AfterFunc(time.Millisecond, func() { close(release) })
	w.Drop()
	if n != alone+blockSize {
		t.Errorf("%d bytes were written, %d had been begun", n, alone+blockSize)
	}
	w.Drop()
}

// await fails the test when c stays open, which without overlap it does for ever.
func await(t *testing.T, c <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(20 * time.Second):
		t.Fatal(what)
	}
}

func TestShortStreamsHaveNoGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	var buffers Buffers
	allocated := testing.AllocsPerRun(10, func() {
		var r Reader
		r.Reset(bytes.NewReader(pattern(10)), &buffers)
		w := NewWriter(io.Discard, &buffers)
		if _, err := io.Copy(w, &r); err != nil {
			t.Fatal(err)
		}
		if n := runtime.NumGoroutine(); n != before {
			t.Errorf("%d goroutines, %d before", n, before)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		r.Stop(nil)
	})
	if allocated > 10 {
		t.Errorf("%v allocations", allocated)
	}
	if b := buffers.pool.Get(); b != nil {
		t.Error("a block was taken for ten bytes")
	}
}

type writeFunc func([]byte) (int, error)

func (f writeFunc) Write(p []byte) (int, error) { return f(p) }
