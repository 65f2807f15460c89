package sls

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"

	"github.com/siemfeed/siemfeed/pkg/retry"
)

// Writer writes logs to a logstore in the course of one run. SLS takes or refuses
// a group as a whole, for one log of it: the group is then halved until that log
// stands alone. It is safe for concurrent use.
//
// A logstore that refuses a log may mean the log, or everything: something on the
// way may have put the body out of shape, or this machine's clock be wrong. So a
// refusal is the log's own fault only where others are taken. Until the first was,
// groups are written one at a time; after enough logs that were refused alone, and
// none taken, the run ends with an error.
type Writer struct {
	c     *Client
	tail  []byte        // topic and source, behind the logs of each group
	trial chan struct{} // holds one: whoever writes while nothing was taken yet

	mu      sync.Mutex
	taken   bool  // a log, and since then it has not refused so many in a row
	alone   int   // logs it refused alone, since it took any
	repeats int64 // logs that may be there twice
}

const (
	// enough logs refused alone and none taken are a logstore that takes nothing.
	// Where there are fewer, the service's own codes are believed: else the only
	// log of a quiet source would be stuck.
	enough = 10
	// endless many in a row put the logstore in doubt that took others before.
	endless = 1000
)

// Writer begins a run that writes groups of this topic and source.
func (c *Client) Writer(topic, source string) *Writer {
	w := &Writer{c: c, trial: make(chan struct{}, 1)}
	if topic != "" {
		w.tail = appendString(w.tail, 3, topic)
	}
	if source != "" {
		w.tail = appendString(w.tail, 4, source)
	}
	return w
}

// Trust takes it for shown that the logstore takes logs, for a caller that loses
// nothing by a refusal that is believed too soon.
func (w *Writer) Trust() *Writer {
	w.took()
	return w
}

// Refusal is a log that the service refuses for what it holds.
type Refusal struct {
	Index int // in its group
	Err   *Error
}

// Write writes a group, and returns the logs that are not written since the
// service refuses them. After an error any of the others may be written. A retry
// after an answer that was lost writes twice, since SLS knows no idempotent write:
// see [Writer.PossibleRepeats]. API: PostLogStoreLogs.
func (w *Writer) Write(ctx context.Context, g *PutGroup) ([]Refusal, error) {
	if g.Len() == 0 {
		return nil, nil
	}
	pass, err := w.turn(ctx)
	if err != nil {
		return nil, err
	}
	defer pass()
	p := putting{w: w, g: g}
	if err := p.span(ctx, 0, g.Len()); err != nil {
		w.again(p.written) // by whoever is to deliver the group once more
		return nil, err
	}
	if err := w.judge(p.refused); err != nil {
		return nil, err
	}
	return p.refused, nil
}

// PossibleRepeats bounds how many logs the logstore may hold twice, since answers
// were lost or a group was written in part.
func (w *Writer) PossibleRepeats() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.repeats
}

func (w *Writer) again(logs int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.repeats += int64(logs)
}

// turn waits until the caller may write: at once when logs were taken before.
func (w *Writer) turn(ctx context.Context) (pass func(), err error) {
	if w.takes() {
		return func() {}, nil
	}
	select {
	case w.trial <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	pass = func() { <-w.trial }
	if w.takes() {
		pass()
		pass = func() {}
	}
	return pass, nil
}

func (w *Writer) takes() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.taken
}

func (w *Writer) took() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.taken, w.alone = true, 0
}

// refusedAlone counts a refusal, and ends the run where it is one too many.
func (w *Writer) refusedAlone(r Refusal) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch w.alone++; {
	case w.taken && w.alone >= endless:
		w.taken, w.alone = false, 0
	case !w.taken && w.alone >= enough:
		return w.condemn(r.Err)
	}
	return nil
}

// judge decides whether refusals are believed.
func (w *Writer) judge(refused []Refusal) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range refused {
		if !w.taken && !r.Err.is(contentCodes...) {
			return w.condemn(r.Err)
		}
	}
	return nil
}

// contentCodes are what the service says of a group for what it holds.
var contentCodes = []string{"PostBodyInvalid", "PostBodyTooLarge", "InvalidTimestamp", "InvalidEncoding", "InvalidKey"}

func (w *Writer) condemn(e *Error) error {
	return retry.Permanent(fmt.Errorf("logstore %s/%s refuses every log, %d of %d alone: since it takes none, the logs are not what is wrong: check this machine's clock, the logstore and what lies on the way to it: %w",
		w.c.project, w.c.logstore, w.alone, w.alone, e))
}

// putting writes one group.
type putting struct {
	w       *Writer
	g       *PutGroup
	refused []Refusal
	written int
}

// span writes the logs from number from up to, not including, to.
func (p *putting) span(ctx context.Context, from, to int) error {
	err := p.w.c.put(ctx, p.g.slice(from, to), p.w.tail, func() { p.w.again(to - from) })
	var e *Error
	switch {
	case err == nil:
		p.w.took()
		p.written += to - from
		return nil
	case !errors.As(err, &e) || e.Kind() != Permanent:
		return err
	case to-from > 1:
		middle := from + (to-from)/2
		if err := p.span(ctx, from, middle); err != nil {
			return err
		}
		return p.span(ctx, middle, to)
	}
	r := Refusal{from, e}
	p.refused = append(p.refused, r)
	return p.w.refusedAlone(r)
}

// MayWrite asks whether the key may write, by writing a group without logs. API:
// PostLogStoreLogs; that permissions are looked at before the body is inferred,
// so a refusal of the body is taken for a yes.
func (c *Client) MayWrite(ctx context.Context) error {
	err := c.put(ctx, nil, nil, nil)
	var e *Error
	if errors.As(err, &e) && e.Kind() == Permanent {
		return nil
	}
	return err
}

// put makes the request for a group. lost is called each time that an attempt
// failed which may have been carried out all the same.
func (c *Client) put(ctx context.Context, logs, tail []byte, lost func()) error {
	body, rawSize, err := packGroup(logs, tail)
	if err != nil {
		return retry.Permanent(err)
	}
	_, err = c.call(ctx, &request{
		method: http.MethodPost, body: body, rawSize: rawSize, lost: lost,
		header: map[string]string{"Content-Type": "application/x-protobuf", "x-log-compresstype": lz4Type},
	}, nil)
	return err
}

// rooms are buffers for groups before and after compression.
var rooms = sync.Pool{New: func() any { return new([]byte) }}

// packGroup compresses a group. What it returns is the caller's own: net/http may
// read a body even after the answer has come.
func packGroup(logs, tail []byte) (body []byte, rawSize int, err error) {
	room := rooms.Get().(*[]byte) //nolint:forcetypeassert // there is nothing else in it
	defer rooms.Put(room)
	rawSize = len(logs) + len(tail)
	all := append(append((*room)[:0], logs...), tail...)
	all, err = compressLZ4(all, all)
	*room = all
	if err != nil {
		return nil, 0, err
	}
	return append([]byte(nil), all[rawSize:]...), rawSize, nil
}

// unsure tells whether a request that was sent and failed with err may have been
// carried out: not where the service said that it refuses it, nor where there was
// no connection.
func unsure(err error) bool {
	var e *Error
	var op *net.OpError
	switch {
	case errors.As(err, &e):
		return e.HTTP >= 500 && !e.is("ServerBusy")
	case errors.As(err, &op):
		return op.Op != "dial"
	}
	return true
}
