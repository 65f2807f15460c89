package sls

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/siemfeed/siemfeed/pkg/retry"
)

// shardRun reads one shard from a cursor on: one goroutine pulls, one page
// ahead of the one that hands pages to the processor, and one saves
// checkpoints.
type shardRun struct {
	client    *Client
	processor Processor
	o         readOptions
	shard     int
	cursor    string // where to begin
	end       string // where to end; "" goes on until stopped
	saved     string // the checkpoint as it is
	state     *shardState
	track     *tracker
	backlog   *backlog

	// save stores a checkpoint.
	save func(ctx context.Context, cursor string) error
	// readOnly tells whether the shard can get no more logs; nil where that
	// does not matter.
	readOnly func(ctx context.Context, shard int) (bool, error)
	// gap hears of logs that are gone.
	gap func(Gap)
}

// readOptions are what a worker and a range reader share.
type readOptions struct {
	count            int
	query            string
	consumeProcessor string
	poll             time.Duration
	commit           time.Duration
	maxPending       int
	maxPage          int
	grace            time.Duration
	oldest           bool // go on from the oldest log when the cursor has expired
	announce         func(context.Context, Stretch) error
	onSaved          func(Stretch)
	onUnsaved        func(shard int, notes []any)
}

// ErrLost is why a [Processor]'s context ends when the shard has gone to
// another consumer, or may have.
var ErrLost = errors.New("sls: shard ownership lost")

// run reads until the end cursor, the end of a readonly shard, or stop ends;
// then it waits for what is under way and saves the last checkpoint. It
// returns whether there is nothing left to read. A page that fails ends the
// run too, once those beside it are answered. When ctx ends run returns at
// once, without saving.
func (s *shardRun) run(ctx, stop context.Context) (finished bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s.track = newTracker(s.cursor, s.o.maxPending, s.backlog)
	pulling, halt := context.WithCancelCause(ctx)
	defer halt(nil)
	defer context.AfterFunc(stop, func() { halt(errStopped) })()

	pages := make(chan *Page)
	fed := make(chan struct{})
	dropped := 0
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(pages)
		var err error
		if finished, err = s.pull(pulling, pages); err != nil && pulling.Err() == nil {
			s.track.fail(err)
		}
	})
	wg.Go(func() {
		defer close(fed)
		dropped = s.feed(ctx, pulling, pages)
	})
	wg.Go(func() {
		if err := s.commit(ctx, fed, halt, cancel); err != nil {
			cancel(err)
		}
	})
	wg.Wait()
	s.track.end(func(notes []any) { s.o.onUnsaved(s.shard, notes) })
	if err := context.Cause(ctx); err != nil {
		return false, err
	}
	return finished && dropped == 0 && !s.track.state().left, nil
}

// errStopped ends the pulls of a run that is to end in good order.
var errStopped = errors.New("stopped")

// pull sends page after page. It returns true when it has reached the end.
func (s *shardRun) pull(ctx context.Context, pages chan<- *Page) (finished bool, err error) {
	cursor := s.cursor
	closed := false // the shard was readonly before the last pull
	idle := 0
	for s.end == "" || !reached(cursor, s.end) {
		page, err := s.client.Pull(ctx, PullRequest{Shard: s.shard, Cursor: cursor, End: s.end, Count: s.o.count, Query: s.o.query, ConsumeProcessor: s.o.consumeProcessor})
		if err != nil && ctx.Err() == nil {
			page, err = s.jump(ctx, cursor, err)
		}
		if err != nil {
			return false, err
		}
		if page.Next != cursor {
			idle, cursor = 0, page.Next
			s.state.pulled(page)
			select {
			case pages <- page:
				continue
			case <-ctx.Done():
				page.Release()
				return false, context.Cause(ctx)
			}
		}
		page.Release()
		s.state.caughtUp()
		if closed {
			return true, nil
		}
		if idle++; s.end != "" && idle > maxIdle {
			return false, nil // what is left before the end cannot be had now
		}
		if s.readOnly != nil {
			if closed, err = s.readOnly(ctx, s.shard); err != nil {
				return false, err
			}
		}
		if !closed && retry.Sleep(ctx, s.o.poll*time.Duration(min(idle, maxIdle))) != nil {
			return false, context.Cause(ctx)
		}
	}
	return true, nil
}

// maxIdle is how many pulls in a row may bring nothing before the end of a
// range is reached, and how often the wait between them grows.
const maxIdle = 3

// jump decides about a pull's error: an expired cursor is given up for the
// oldest there is, if that is what was asked for. It returns an empty page that
// leads there.
func (s *shardRun) jump(ctx context.Context, cursor string, cause error) (*Page, error) {
	if !IsInvalidCursor(cause) {
		return nil, cause
	}
	oldest, err := s.client.Cursor(ctx, s.shard, Begin)
	if err != nil {
		return nil, errors.Join(cause, err)
	}
	gap := Gap{Shard: s.shard, From: cursor, To: oldest, Groups: -1}
	from, ok1 := CursorNumber(cursor)
	to, ok2 := CursorNumber(oldest)
	if ok1 && ok2 && to > from {
		gap.Groups = to - from
	}
	if cursor == oldest {
		return nil, cause // there is nothing older to blame
	}
	if err := s.o.accept(gap, s.gap, cause); err != nil {
		return nil, err
	}
	return &Page{Shard: s.shard, Cursor: cursor, Next: oldest}, nil
}

// feed hands the pages to the processor until pulling ends, and returns how
// many pieces of them it left out.
func (s *shardRun) feed(ctx, pulling context.Context, pages <-chan *Page) (dropped int) {
	for page := range pages {
		if len(page.Raw) == 0 && pulling.Err() == nil {
			s.track.skip(page.Next)
			page.Release()
			continue
		}
		for _, piece := range page.pieces(s.o.maxPage) {
			if !s.hand(ctx, pulling, piece) {
				dropped++
			}
		}
	}
	return dropped
}

// hand hands a piece of a page to the processor, unless pulling ends before.
func (s *shardRun) hand(ctx, pulling context.Context, piece *Page) bool {
	err := s.backlog.wait(pulling)
	if err == nil {
		err = context.Cause(pulling)
	}
	seq := 0
	if err == nil {
		seq, err = s.track.add(pulling, piece.Next, int64(len(piece.Raw)))
	}
	if err != nil {
		piece.Release()
		return false
	}
	done := s.track.answer(piece, seq)
	if err := s.processor.Process(ctx, piece, done); err != nil {
		done(nil, err)
	}
	return true
}

// commit saves checkpoints as pages are done, at most one an interval, and a
// last one when all are answered. Intervals begin at the same time for every
// shard, so that what is done before a checkpoint can be done for all at once.
func (s *shardRun) commit(ctx context.Context, fed <-chan struct{}, halt, cancel context.CancelCauseFunc) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	due, last, failed := false, false, false
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-timer.C:
			due = true
		case <-fed:
			fed, last = nil, true
		case <-s.track.changed:
		}
		now := s.track.state()
		if now.err != nil && !failed {
			failed = true
			halt(now.err)
			defer time.AfterFunc(s.o.grace, func() { cancel(now.err) }).Stop()
		}
		if now.left {
			halt(errStopped)
		}
		idle := last && now.open == 0
		if now.safe != s.saved && (due || idle || s.backlog.pressing()) {
			if err := s.checkpoint(ctx, now, idle); err != nil {
				return errors.Join(now.err, err)
			}
			due = false
			at := time.Now()
			timer.Reset(at.Truncate(s.o.commit).Add(s.o.commit).Sub(at))
		}
		if idle {
			return now.err
		}
	}
}

// checkpoint announces the stretch up to what is safe, and saves that.
func (s *shardRun) checkpoint(ctx context.Context, now progress, last bool) error {
	st := Stretch{Shard: s.shard, From: s.saved, To: now.safe, Notes: now.notes, Last: last, Status: s.state.get()}
	if st.From == "" {
		st.From = s.cursor
	}
	tell := st.From != st.To || s.saved == "" // the first of a shard may tell of a gap alone
	if tell {
		if err := s.o.announce(ctx, st); err != nil {
			return err
		}
	}
	if err := s.save(ctx, now.safe); err != nil {
		return err
	}
	s.saved = now.safe
	s.track.saved(now.count)
	s.state.committed(now.safe)
	if tell {
		s.o.onSaved(st)
	}
	return nil
}
