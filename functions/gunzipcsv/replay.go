package gunzipcsv

import (
	"context"
	"errors"
	"fmt"

	"github.com/siemfeed/siemfeed/pkg/format"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// ReplayOptions say what is done with records in quarantine.
type ReplayOptions struct {
	// Queue sends notices back to the queue instead of handling them here. It
	// cannot bring back single records of an object that was converted, whose
	// notice would change nothing: these stay.
	Queue bool
	// Code limits the replay to records rejected with it; empty means all.
	Code string
}

// Replayed is what a replay did. Each record that was in quarantine is in one
// of Delivered, Sent, Rejected and Left, or in an object of which something
// failed for now: that stays as it is, and the error names it.
type Replayed struct {
	Objects   int64 `json:"objects"`   // in quarantine, wholly replayed
	Delivered int64 `json:"delivered"` // notices that are done with, and records that are rows now
	Sent      int64 `json:"sent"`      // notices sent back to the queue
	Rejected  int64 `json:"rejected"`  // in quarantine again
	Left      int64 `json:"left"`      // which stay: for another code, or what the queue or a source that is gone cannot bring back
	Receipt   *Receipt
}

func (d *Replayed) add(o Replayed) {
	d.Delivered += o.Delivered
	d.Sent += o.Sent
	d.Rejected += o.Rejected
	d.Left += o.Left
}

// markEvery is how many objects are replayed before they are marked, all with
// one part of the manifest.
const markEvery = 50

// Replay takes what lies in quarantine once more: it converts each object anew
// with the configuration as it is now, or sends its notice back to the queue. A
// target that holds already what would come out is not written. What is
// rejected again is in quarantine again. Objects that are wholly replayed are
// marked; nothing is deleted.
func (f *Function) Replay(ctx context.Context, o ReplayOptions) (Replayed, error) {
	if o.Queue && f.parts.Queue == nil {
		return Replayed{}, errors.New("there is no queue to send to: set CF_QUEUE_ID, CF_ACCOUNT_ID and CF_API_TOKEN, or replay directly")
	}
	if err := format.Check(ctx, f.parts.State, "gunzipcsv"); err != nil {
		return Replayed{}, err
	}
	r := f.newRun(ctx, 0)
	defer r.Cancel()
	ctx = r.Context()
	done := Replayed{Receipt: r.r}
	var failed failures
	var whole []quarantine.Object
	// Had one been rejected again meanwhile, the object is another one now and
	// its mark does not hold for it.
	mark := func() error {
		if err := r.keep(); err != nil {
			return err
		}
		for _, obj := range whole {
			if err := f.reject.Replayed(ctx, obj); err != nil {
				return err
			}
			done.Objects++
		}
		whole = whole[:0]
		return nil
	}
	err := func() error {
		for obj, err := range f.reject.Pending(ctx) {
			if err != nil {
				return err
			}
			got, err := f.replayObject(ctx, r, o, obj.Name)
			if err != nil {
				failed.add(fmt.Errorf("%s: %w", obj.Name, err))
				continue
			}
			done.add(got)
			if got.Left == 0 {
				whole = append(whole, obj)
			}
			if len(whole) == markEvery {
				if err := mark(); err != nil {
					return err
				}
			}
		}
		return nil
	}()
	_, err = f.finish(r, errors.Join(failed.err(), err, mark()))
	return done, err
}

// replayObject replays the records of one object in quarantine.
func (f *Function) replayObject(ctx context.Context, r *run, o ReplayOptions, name string) (done Replayed, err error) {
	single := map[string]*reconverted{} // by the key of their source
	for rec, err := range f.reject.Read(ctx, name) {
		if err != nil {
			return done, err
		}
		at, err := position(rec)
		if err != nil {
			return done, err
		}
		switch {
		case o.Code != "" && rec.Code != o.Code, at.Line > 0 && o.Queue:
			done.Left++
		case at.Line > 0:
			if single[at.Key] == nil { // for several records of an object, once is enough
				if single[at.Key], err = f.reconvert(ctx, r, rec, at); err != nil {
					return done, err
				}
			}
			single[at.Key].records++
		case o.Queue:
			if err := f.parts.Queue.Send(ctx, rec.Record, 0); err != nil {
				return done, err
			}
			done.Sent++
		default:
			rejected, err := f.replayNotice(ctx, r, rec, at)
			if err != nil {
				return done, err
			}
			if rejected {
				done.Rejected++
			} else {
				done.Delivered++
			}
		}
	}
	for _, s := range single {
		if s.Status == Quarantined { // as a whole: the records are all there is
			done.Left += s.records
			continue
		}
		again := min(s.records, s.Object.Rejected)
		done.Rejected += again
		done.Delivered += s.records - again
	}
	return done, nil
}

// reconverted is an object that was converted once more for records of it.
type reconverted struct {
	Object
	records int64
}

func (f *Function) reconvert(ctx context.Context, r *run, rec quarantine.Record, at source) (*reconverted, error) {
	n := trigger.Notice{Bucket: at.Bucket, Key: at.Key, Size: at.Size, ETag: at.ETag, Action: "replay", Created: true, Time: rec.Time}
	o, err := f.settle(ctx, r, n, true)
	return &reconverted{Object: o}, err
}

// replayNotice handles a notice once more, and tells whether it was rejected
// again.
func (f *Function) replayNotice(ctx context.Context, r *run, rec quarantine.Record, at source) (rejected bool, err error) {
	for _, n := range trigger.FromMessage(at.Message, 0, rec.Record) {
		if at.Key != "" && at.Bucket == "" { // message gave a directory a name
			n.Bucket = ""
		}
		if n.Time.IsZero() {
			n.Time = rec.Time
		}
		o, err := f.settle(ctx, r, n, false)
		if err != nil {
			return rejected, err
		}
		rejected = rejected || o.Status == Quarantined
	}
	return rejected, nil
}
