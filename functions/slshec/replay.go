package slshec

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/siemfeed/siemfeed/pkg/hec"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
)

// Replayed is what became of the records in quarantine.
type Replayed struct {
	Objects  int      // replayed as a whole, and marked so
	Accepted int      // events that Splunk took
	Kept     []string // objects that stay, each with the first reason
}

// Replay sends the events in quarantine to Splunk again, as they were, ids
// included. An object of which every event is accepted is marked as replayed;
// one with events that are refused again, or with logs that never became
// events, stays as it is. note, if set, hears of each object.
func (f *Function) Replay(ctx context.Context, note func(object string, accepted int)) (Replayed, error) {
	var done Replayed
	session := f.hec.Session().Trust() // what is refused again stays where it is
	for obj, err := range f.Quarantine().Pending(ctx) {
		if err != nil {
			return done, err
		}
		accepted, reason, err := f.replay(ctx, session, obj.Name)
		done.Accepted += accepted
		if err != nil {
			return done, fmt.Errorf("%s: %w", obj.Name, err)
		}
		if reason != "" {
			done.Kept = append(done.Kept, obj.Name+": "+reason)
			continue
		}
		if err := f.Quarantine().Replayed(ctx, obj); err != nil {
			return done, err
		}
		done.Objects++
		if note != nil {
			note(obj.Name, accepted)
		}
	}
	return done, nil
}

// replay sends the events of one object, a batch at a time.
func (f *Function) replay(ctx context.Context, session *hec.Session, name string) (accepted int, reason string, err error) {
	b, err := f.hec.Batch(ctx)
	if err != nil {
		return 0, "", err
	}
	defer b.Release()
	send := func() error {
		res, err := session.Send(ctx, b)
		if err != nil {
			return err
		}
		accepted += res.Accepted
		if len(res.Rejected) > 0 && reason == "" {
			r := res.Rejected[0]
			reason = fmt.Sprintf("%d events are refused again: %s (HTTP %d, code %d)", len(res.Rejected), r.Text, r.Status, r.Code)
		}
		b.Reset()
		return nil
	}
	for rec, err := range f.Quarantine().Read(ctx, name) {
		if err != nil {
			return accepted, "", err
		}
		if why := sendable(rec); why != nil {
			reason = why.Error()
			continue
		}
		b.Append(hec.Pos{}, func(dst []byte) []byte { return append(dst, rec.Record...) })
		if b.Full() {
			if err := send(); err != nil {
				return accepted, "", err
			}
		}
	}
	err = send()
	return accepted, reason, err
}

// sendable tells an event from what never became one.
func sendable(rec quarantine.Record) error {
	switch {
	case rec.Long:
		return errors.New("a record too long to hold: it can be found at its source")
	case !strings.HasPrefix(rec.Code, "hec-") && !strings.HasPrefix(rec.Code, "http-"):
		return fmt.Errorf("a record that is no event: %s", rec.Reason)
	}
	return nil
}
