package trailtags

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/siemfeed/siemfeed/pkg/quarantine"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// Replayed is what became of the records in quarantine.
type Replayed struct {
	Objects  int      // replayed as a whole, and marked so
	Accepted int      // rows that SLS took
	Kept     []string // objects that stay, each with the first reason
}

// Replay writes the rows in quarantine again, as they were. An object of which
// every row is taken is marked as replayed; one with rows that are refused again,
// or with events that never became rows, stays as it is. note, if set, hears of
// each object.
func (f *Function) Replay(ctx context.Context, note func(object string, accepted int)) (Replayed, error) {
	var done Replayed
	w := f.writer().Trust() // what is refused again stays where it is
	for obj, err := range f.Quarantine().Pending(ctx) {
		if err != nil {
			return done, err
		}
		accepted, reason, err := f.replay(ctx, w, obj.Name)
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

// replay writes the rows of one object. Each row has one of its own, so that this
// is one row as a rule.
func (f *Function) replay(ctx context.Context, w *sls.Writer, name string) (accepted int, reason string, err error) {
	var g sls.PutGroup
	write := func() error {
		refused, err := w.Write(ctx, &g)
		if err != nil {
			return err
		}
		accepted += g.Len() - len(refused)
		if len(refused) > 0 && reason == "" {
			reason = fmt.Sprintf("%d rows are refused again: %v", len(refused), refused[0].Err)
		}
		g.Reset()
		return nil
	}
	for rec, err := range f.Quarantine().Read(ctx, name) {
		if err != nil {
			return accepted, "", err
		}
		at, contents, err := readRow(rec)
		if err != nil {
			reason = err.Error()
			continue
		}
		if !g.Takes(len(contents)) {
			if err := write(); err != nil {
				return accepted, "", err
			}
		}
		g.Append(at, contents)
	}
	err = write()
	return accepted, reason, err
}

// isRow tells a row from what never became one.
func isRow(rec quarantine.Record) bool {
	return !rec.Long && strings.HasPrefix(rec.Code, refusedPrefix)
}

// readRow reads what record wrote. The row goes out with its own time, or now where
// that is refused by now.
func readRow(rec quarantine.Record) (at time.Time, contents []byte, err error) {
	switch {
	case rec.Long:
		return at, nil, errors.New("a record too long to hold: it can be found at its source")
	case !isRow(rec):
		return at, nil, fmt.Errorf("a record that is no row: %s", rec.Reason)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(rec.Record, &fields); err != nil {
		return at, nil, fmt.Errorf("a row that cannot be read: %w", err)
	}
	var seconds uint32
	if err := json.Unmarshal(fields[timeKey], &seconds); err != nil {
		return at, nil, fmt.Errorf("a row without a time: %w", err)
	}
	delete(fields, timeKey)
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		var value string
		if err := json.Unmarshal(fields[key], &value); err != nil {
			return at, nil, fmt.Errorf("a row that cannot be read: %s: %w", key, err)
		}
		contents = sls.AppendContent(contents, key, value)
	}
	at, _ = sls.PutTime(time.Unix(int64(seconds), 0), time.Now())
	return at, contents, nil
}
