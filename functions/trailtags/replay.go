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
	"github.com/siemfeed/siemfeed/pkg/sls/consume"
)

// Replay writes the rows in quarantine again, as they were. An object of which
// every row is taken is marked as replayed; one with rows that are refused again,
// or with events that never became rows, stays as it is.
func (f *Function) Replay(ctx context.Context) (consume.Replayed, error) {
	w := f.writer().Trust() // what is refused again stays where it is
	return f.Consumer.Replay(ctx, func(ctx context.Context, object string) (int, string, error) {
		return f.replay(ctx, w, object)
	})
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
		if len(key) > sls.MaxKeyBytes { // earlier versions wrote those, which was why
			key = string(cutKey([]byte(key)))
		}
		contents = sls.AppendContent(contents, key, value)
	}
	at, _ = sls.PutTime(time.Unix(int64(seconds), 0), time.Now())
	return at, contents, nil
}
