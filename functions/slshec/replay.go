package slshec

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/siemfeed/siemfeed/pkg/hec"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
	"github.com/siemfeed/siemfeed/pkg/sls/consume"
)

// Replay sends the events in quarantine to Splunk again, as they were, ids
// included. An object of which every event is accepted is marked as replayed;
// one with events that are refused again, or with logs that never became
// events, stays as it is.
func (f *Function) Replay(ctx context.Context) (consume.Replayed, error) {
	session := f.hec.Session().Trust() // what is refused again stays where it is
	return f.Consumer.Replay(ctx, func(ctx context.Context, object string) (int, string, error) {
		return f.replay(ctx, session, object)
	})
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
