package gunzipcsv

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"gocloud.dev/blob"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/progress"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

const (
	// backfillStep is how many objects one run of a backfill takes on: an
	// interruption costs no more than to look at that many again.
	backfillStep = 500
	// outage is how many objects have to fail, with none that is settled, for
	// this to be no fault of theirs.
	outage = 20
	// maxMissed bounds what is remembered of objects that failed for now.
	maxMissed = 10_000
)

// Missed is an object that a backfill went past.
type Missed struct {
	Key   string    `json:"key"` // as the store knows it
	Size  int64     `json:"size"`
	Time  time.Time `json:"time"` // when it was written
	Error string    `json:"error"`
}

// Unconverted is the error of a backfill that went past objects which failed
// for now. It remembers them: called again, it tries just these.
type Unconverted struct{ Objects []Missed }

func (e *Unconverted) Error() string {
	const named = 3
	text := fmt.Sprintf("%d objects failed for now; the next call tries just these again", len(e.Objects))
	for _, m := range e.Objects[:min(named, len(e.Objects))] {
		text += fmt.Sprintf("; %s: %s", m.Key, m.Error)
	}
	return text
}

// reached is how far a backfill has come on its way through the list.
type reached struct {
	After  string   `json:"after"` // the last key of a finished run
	Missed []Missed `json:"missed,omitempty"`
	// Began is when it first set out, and Ended when it came to the list's end,
	// where something was missed. Releases that kept neither left them out.
	Began time.Time `json:"began,omitzero"`
	Ended time.Time `json:"ended,omitzero"`
}

// passed is how long after its end a way through the list counts, so that the
// next call tries just what was missed. Something that fails for years must not
// keep what has been lost since from ever being looked at.
const passed = 24 * time.Hour

// resume returns where a call goes on that begins at now: behind After, or anew.
func (at reached) resume(now time.Time) reached {
	if at.After == "" || !at.Ended.IsZero() && now.Sub(at.Ended) > passed {
		at.After, at.Began = "", now
	}
	at.Ended = time.Time{}
	return at
}

// behind tells whether an object was dealt with on the way so far. One that was
// written since is another one.
func (at reached) behind(o *blob.ListObject) bool {
	return o.Key <= at.After && (at.Began.IsZero() || o.ModTime.Before(at.Began))
}

// backfill is one call of [Function.Backfill].
type backfill struct {
	f      *Function
	mark   string // where progress is kept
	at     reached
	step   func(r *Receipt, listed int64)
	listed int64
	// taken says that the last run settled something, so that the store and the
	// configuration are sound.
	taken bool
}

// Backfill converts what is selected and not converted yet, in runs of a few
// hundred objects, and remembers after each how far it has come: called again
// with the same selection, it goes on from there, and takes what was written
// since. What fails for now is passed by, tried once more at the end, and
// remembered: the error is then an [*Unconverted], and a call within a day tries
// just that. Only where nothing succeeds does it stop. step hears of every
// run's receipt, and of how many objects of the list are behind it.
func (f *Function) Backfill(ctx context.Context, s Selection, step func(r *Receipt, listed int64)) error {
	b := &backfill{f: f, mark: f.backfillMark(s), step: step}
	if err := f.parts.State.ReadJSON(ctx, b.mark, &b.at); err != nil && !bucket.IsNotFound(err) {
		return err
	}
	began := time.Now().UTC()
	b.at = b.at.resume(began)
	if err := b.again(ctx); err != nil {
		return err
	}
	before := len(b.at.Missed)
	missed := make(map[string]bool, before)
	for _, m := range b.at.Missed {
		missed[m.Key] = true
	}
	var batch []trigger.Notice
	from := b.at
	last := from.After
	err := f.list(ctx, s, func(o *blob.ListObject) error {
		b.listed++
		if from.behind(o) || missed[f.prefix+o.Key] {
			progress.Pass(ctx, 1)
			return nil
		}
		last = max(last, o.Key)
		batch = append(batch, f.notice(o))
		if len(batch) < b.size() {
			return nil
		}
		full := batch
		batch = batch[:0]
		return b.take(ctx, full, last)
	})
	if err == nil {
		err = b.take(ctx, batch, last)
	}
	if err == nil && len(b.at.Missed) > before {
		err = b.again(ctx)
	}
	switch {
	case err != nil:
		return err
	case len(b.at.Missed) > 0:
		b.at.Began, b.at.Ended = began, time.Now().UTC()
		if err := b.keep(ctx); err != nil {
			return err
		}
		return &Unconverted{b.at.Missed}
	}
	return f.parts.State.Remove(ctx, b.mark) // a later backfill begins anew
}

// size is how many objects the next run takes on: no more than tell an outage,
// as long as there may be one.
func (b *backfill) size() int {
	if b.taken {
		return backfillStep
	}
	return outage
}

// take works off a batch that ends the list up to last, and keeps that.
func (b *backfill) take(ctx context.Context, batch []trigger.Notice, last string) error {
	missed, err := b.work(ctx, batch)
	if err != nil {
		return err
	}
	b.at.After = last
	b.at.Missed = append(b.at.Missed, missed...)
	if err := b.keep(ctx); err != nil {
		return err
	}
	if len(b.at.Missed) > maxMissed {
		return &Unconverted{b.at.Missed}
	}
	return nil
}

// again tries what was missed so far once more, and keeps what still is.
func (b *backfill) again(ctx context.Context) error {
	if len(b.at.Missed) == 0 {
		return nil
	}
	var left []Missed
	for rest := b.at.Missed; len(rest) > 0; {
		n := min(backfillStep, len(rest))
		batch := make([]trigger.Notice, n)
		for i, m := range rest[:n] {
			batch[i] = trigger.Notice{Bucket: b.f.cfg.SourceBucket, Key: m.Key, Size: m.Size, Action: "backfill", Created: true, Time: m.Time}
		}
		missed, err := b.try(ctx, batch)
		if err != nil {
			return err
		}
		left, rest = append(left, missed...), rest[n:]
	}
	b.at.Missed = left
	return b.keep(ctx)
}

// keep remembers how far it has come.
func (b *backfill) keep(ctx context.Context) error {
	return b.f.parts.State.PutJSON(ctx, b.mark, b.at)
}

// work is try, but that an outage is an error.
func (b *backfill) work(ctx context.Context, batch []trigger.Notice) ([]Missed, error) {
	missed, err := b.try(ctx, batch)
	if err == nil && len(missed) >= outage && len(missed) == len(batch) {
		err = fmt.Errorf("none of %d objects could be converted: %w", len(batch), &Unconverted{missed})
	}
	return missed, err
}

// try settles a batch, in as many runs as RUN_TIMEOUT makes of it, and returns
// what failed for now. An error ends the backfill.
func (b *backfill) try(ctx context.Context, batch []trigger.Notice) (missed []Missed, err error) {
	for len(batch) > 0 {
		r, results, err := b.f.backfillRun(ctx, batch)
		b.step(r, b.listed)
		if err != nil {
			return missed, err
		}
		settled := 0
		for _, res := range results {
			if res.err == nil {
				settled++
			}
		}
		var rest []trigger.Notice
		tooLong := 0
		for i, res := range results {
			n := batch[i]
			switch {
			case res.err == nil:
			case res.cut && (settled > 0 || !res.begun):
				rest = append(rest, n)
			default:
				if res.cut { // it had the run to itself
					res.tooLong = true
					res.err = fmt.Errorf("RUN_TIMEOUT (%v) is too short for it: raise it: %w", b.f.cfg.RunTimeout, res.err)
				}
				if res.tooLong {
					tooLong++
				}
				missed = append(missed, Missed{Key: n.Key, Size: n.Size, Time: n.Time, Error: res.err.Error()})
			}
		}
		if tooLong > 0 && !b.taken {
			return missed, fmt.Errorf("nothing could be done within RUN_TIMEOUT (%v): %w", b.f.cfg.RunTimeout, &Unconverted{missed})
		}
		b.taken = settled > 0
		batch = rest
	}
	return missed, nil
}

func (f *Function) backfillMark(s Selection) string {
	id := fmt.Sprintf("%s\x00%s\x00%s\x00%v\x00%v", f.cfg.SourceURL, f.cfg.DestURL, s.Prefix, s.From.UTC(), s.To.UTC())
	if s.Shard.Of > 1 {
		id += "\x00" + s.Shard.String()
	}
	sum := sha256.Sum256([]byte(id))
	return "gunzipcsv/backfill/" + hex.EncodeToString(sum[:8]) + ".json"
}

// backfillRun is one run over a batch. Its error is not about the objects: what
// became of these is in the results, in the order of the batch.
func (f *Function) backfillRun(ctx context.Context, batch []trigger.Notice) (*Receipt, []result, error) {
	r := f.newRun(ctx, f.cfg.RunTimeout)
	defer r.Cancel()
	r.r.Redeliver = true
	units := make([]unit, len(batch))
	for i, n := range batch {
		units[i] = unit{notices: []trigger.Notice{n}}
	}
	results := f.work(r.Context(), r, units)
	keepErr := r.keep()
	var failed failures
	cut := 0
	for _, res := range results {
		switch {
		case res.cut:
			cut++
		case res.err != nil:
			failed.add(res.err)
		}
	}
	if cut > 0 {
		r.r.Remaining = append(r.r.Remaining, fmt.Sprintf("%d of %d objects, because RUN_TIMEOUT (%v) was up", cut, len(batch), f.cfg.RunTimeout))
	}
	rec, err := f.finish(r, errors.Join(failed.err(), keepErr))
	if failed.n > 0 {
		err = nil // the results tell; a receipt that cannot be kept shows at the mark
	}
	return rec, results, errors.Join(err, keepErr, ctx.Err())
}
