package trailtags

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/siemfeed/siemfeed/pkg/quarantine"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// refusedPrefix begins the codes of rows that SLS refused; its own follows.
const refusedPrefix = "sls-"

// timeKey holds a row's time where it lies in quarantine.
const timeKey = "__time__"

// setAside puts the rows that SLS refused into quarantine.
func (w *write) setAside(list []sls.Refusal) error {
	g, ctx := errgroup.WithContext(w.sink.ctx)
	g.SetLimit(8)
	part := 0
	for _, r := range list {
		for r.Index >= w.parts[part].end {
			part++
		}
		page := w.parts[part].src.page
		g.Go(func() error {
			record, err := record(w.group.Log(r.Index))
			if err != nil {
				return err
			}
			e := quarantine.Entry{Reason: fmt.Sprintf("SLS refused the row: %s (HTTP %d)", r.Err.Message, r.Err.HTTP), Code: refusedPrefix + r.Err.Code}
			return page.Quarantine(ctx, w.rows[r.Index].at, e, record)
		})
	}
	return g.Wait()
}

// record is a row as it lies in quarantine: its fields, and its time.
func record(l sls.Log) ([]byte, error) {
	fields := map[string]any{timeKey: l.Time}
	for _, f := range l.Contents {
		fields[string(f.Key)] = string(f.Value)
	}
	return json.Marshal(fields)
}

// quarantined are rows that never got to the target: where each lies that waits to
// be replayed, and those that were accepted as lost.
type quarantined struct {
	pending  map[string]string
	accepted map[string]bool
}

// quarantined reads the rows that lie in quarantine since a time, zero for all.
func (f *Function) quarantined(ctx context.Context, since time.Time) (quarantined, error) {
	q := quarantined{pending: map[string]string{}, accepted: map[string]bool{}}
	if !since.IsZero() {
		since = since.AddDate(0, 0, -1) // objects lie by the day
	}
	return q, errors.Join(
		f.eachRow(ctx, f.Quarantine().Names(ctx, since, time.Time{}), func(key, object string) { q.pending[key] = object }),
		f.eachRow(ctx, f.Quarantine().Accepted(ctx, since, time.Time{}), func(key, _ string) { q.accepted[key] = true }),
	)
}

// eachRow calls row for each row in objects of the quarantine.
func (f *Function) eachRow(ctx context.Context, objects iter.Seq2[string, error], row func(key, object string)) error {
	for object, err := range objects {
		if err != nil {
			return err
		}
		for rec, err := range f.Quarantine().Read(ctx, object) {
			if quarantine.IsDamaged(err) {
				break // which is a finding as it stands
			}
			if err != nil {
				return err
			}
			var r struct {
				EventID string `json:"eventId"`
				Index   string `json:"resourceIndex"`
			}
			if isRow(rec) && json.Unmarshal(rec.Record, &r) == nil {
				row(rowKey(r.EventID, r.Index), object)
			}
		}
	}
	return nil
}
