package slshec

import (
	"context"
	"fmt"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/siemfeed/siemfeed/pkg/hec"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
	"github.com/siemfeed/siemfeed/pkg/sls/consume"
)

// refused sets aside the events that Splunk refused, as they were sent: a
// replay needs nothing else.
func (s *sink) refused(sent *send, list []hec.Rejection) error {
	g, ctx := errgroup.WithContext(s.ctx)
	g.SetLimit(8)
	for _, r := range list {
		g.Go(func() error { return refusedOne(ctx, sent.partOf(r.Index), r) })
	}
	return g.Wait()
}

func refusedOne(ctx context.Context, p *consume.Page, r hec.Rejection) error {
	code := "hec-" + strconv.Itoa(r.Code)
	if r.Code < 0 { // Splunk gave none
		code = "http-" + strconv.Itoa(r.Status)
	}
	e := quarantine.Entry{Reason: fmt.Sprintf("Splunk refused the event: %s (HTTP %d)", r.Text, r.Status), Code: code}
	return p.Quarantine(ctx, consume.Row{Cursor: int64(r.Pos.A), Index: int(r.Pos.B)}, e, r.Event) //nolint:gosec // as send.add wrote them
}
