package gunzipcsv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

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

// Replayed is what a replay did.
type Replayed struct {
	Objects int64 `json:"objects"` // in quarantine, wholly replayed
	Records int64 `json:"records"` // notices handled or sent, and objects converted for single records
	Left    int64 `json:"left"`    // records that stay, for another code or without a queue's help
	Receipt *Receipt
}

// Replay takes what lies in quarantine once more: it converts each object anew
// with the configuration as it is now, or sends its notice back to the queue.
// What is rejected again is in quarantine again. Objects that are wholly
// replayed are marked; nothing is deleted. step hears of every object.
func (f *Function) Replay(ctx context.Context, o ReplayOptions, step func(Replayed)) (Replayed, error) {
	if o.Queue && f.parts.Queue == nil {
		return Replayed{}, errors.New("there is no queue to send to: set CF_QUEUE_ID, CF_ACCOUNT_ID and CF_API_TOKEN, or replay directly")
	}
	r := f.newRun(ctx, 0)
	defer r.Cancel()
	ctx = r.Context()
	done := Replayed{Receipt: r.r}
	var failed failures
	for obj, err := range f.reject.Pending(ctx) {
		if err != nil {
			return done, err
		}
		left, err := f.replayObject(ctx, r, o, obj.Name, &done)
		if err != nil {
			failed.add(fmt.Errorf("%s: %w", obj.Name, err))
			continue
		}
		done.Left += left
		if left == 0 {
			// Had it been rejected again meanwhile, the object is another one now
			// and this mark does not hold for it.
			if err := f.reject.Replayed(ctx, obj); err != nil {
				return done, err
			}
			done.Objects++
		}
		if step != nil {
			step(done)
		}
	}
	_, err := f.finish(r, failed.err())
	return done, err
}

// replayObject replays the records of one object in quarantine, and returns
// how many it left.
func (f *Function) replayObject(ctx context.Context, r *run, o ReplayOptions, name string, done *Replayed) (left int64, err error) {
	converted := map[string]bool{} // for several records of one object, once is enough
	for rec, err := range f.reject.Read(ctx, name) {
		if err != nil {
			return left, err
		}
		var at source
		if err := json.Unmarshal(rec.Source, &at); err != nil {
			return left, fmt.Errorf("line %d: source: %w", rec.Line, err)
		}
		switch {
		case o.Code != "" && rec.Code != o.Code, at.Line > 0 && o.Queue:
			left++
			continue
		case at.Line > 0:
			if converted[at.Key] {
				continue
			}
			converted[at.Key] = true
			n := trigger.Notice{Bucket: at.Bucket, Key: at.Key, Size: at.Size, ETag: at.ETag, Action: "replay", Created: true, Time: rec.Time}
			err = f.settle(ctx, r, n, true)
		case o.Queue:
			err = f.parts.Queue.Send(ctx, rec.Record, 0)
		default:
			err = f.replayNotice(ctx, r, rec, at)
		}
		if err != nil {
			return left, err
		}
		done.Records++
	}
	return left, nil
}

func (f *Function) replayNotice(ctx context.Context, r *run, rec quarantine.Record, at source) error {
	for _, n := range trigger.FromMessage(at.Message, 0, rec.Record) {
		if at.Key != "" && at.Bucket == "" { // message gave a directory a name
			n.Bucket = ""
		}
		if n.Time.IsZero() {
			n.Time = rec.Time
		}
		if err := f.settle(ctx, r, n, false); err != nil {
			return err
		}
	}
	return nil
}
