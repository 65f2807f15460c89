package progress

import (
	"context"
	"io"
	"sync"
	"time"
)

// Screen is where people read how far something is, between the lines that are
// written to it by others: a line in its last row, drawn again and again, if it
// is a terminal, and else a line now and then.
type Screen struct {
	out   io.Writer
	width func() int // nil if it is no terminal

	mu   sync.Mutex
	last string // what stands in the last row
}

// NewScreen returns a screen on out. width gives the columns of a terminal; nil
// means that out is none.
func NewScreen(out io.Writer, width func() int) *Screen { return &Screen{out: out, width: width} }

const (
	// soon is done before anyone wonders.
	soon = time.Second
	// redraw is how often a terminal is, and again how often a line is written
	// elsewhere.
	redraw = 200 * time.Millisecond
	again  = 5 * time.Second

	wipe = "\r\x1b[K"
)

// Write implements [io.Writer], for whole lines.
func (s *Screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == "" {
		return s.out.Write(p)
	}
	if _, err := io.WriteString(s.out, wipe); err != nil {
		return 0, err
	}
	n, err := s.out.Write(p)
	if err == nil {
		_, err = io.WriteString(s.out, s.last)
	}
	return n, err
}

// Watch shows how far what counts in the returned context is, under a label and
// in units of that name, until stop is called. What is done soon is not shown.
func (s *Screen) Watch(ctx context.Context, label, unit string) (_ context.Context, stop func()) {
	c := new(Counter)
	began, over, ended := time.Now(), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		s.watch(c, began, label, unit, over)
	}()
	return With(ctx, c), sync.OnceFunc(func() {
		close(over)
		<-ended
	})
}

func (s *Screen) watch(c *Counter, began time.Time, label, unit string, over <-chan struct{}) {
	wait := soon
	if s.width == nil {
		wait = again
	}
	for {
		select {
		case <-over:
			s.draw("")
			return
		case <-time.After(wait):
		}
		text := "  " + label + ": " + c.text(unit, time.Since(began))
		if s.width == nil {
			_, _ = io.WriteString(s, text+"\n") // who cannot be told is not told
			continue
		}
		wait = redraw
		s.draw(c.bar(text, s.width()))
	}
}

// draw puts line into the last row, instead of what was there.
func (s *Screen) draw(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if line == s.last {
		return
	}
	s.last = line
	_, _ = io.WriteString(s.out, wipe+line)
}
