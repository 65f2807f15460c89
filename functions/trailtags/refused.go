package trailtags

import (
	"encoding/json"
	"fmt"

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
