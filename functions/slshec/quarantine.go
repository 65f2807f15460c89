package slshec

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/siemfeed/siemfeed/pkg/hec"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// position says where a record lies in SLS.
type position struct {
	Project  string `json:"sls_project"`
	Logstore string `json:"sls_logstore"`
	Shard    int    `json:"sls_shard"`
	ID       string `json:"sls_id,omitempty"`
	Cursor   int64  `json:"cursor,omitempty"` // of the group
	Index    int    `json:"index"`            // of the log in it
	Page     string `json:"page,omitempty"`   // cursor of the pull, where a group cannot be told
	Group    int    `json:"group,omitempty"`  // and how many groups before it were read
}

// Codes of records that the function itself refuses. Those that Splunk refuses
// bear "hec-" and Splunk's code, or "http-" and the status without one.
const codeMalformed = "malformed"

func (s *sink) source(p position) json.RawMessage {
	p.Project, p.Logstore = s.cfg.Project, s.cfg.Logstore
	data, err := json.Marshal(p)
	if err != nil { // numbers and strings always encode
		panic(err)
	}
	return data
}

// malformed sets aside bytes that are not the protobuf they should be.
func (s *sink) malformed(p *page, raw []byte, at position) error {
	e := quarantine.Entry{Reason: "not a LogGroup that can be decoded: the log at this index and those after it", Code: codeMalformed, Source: s.source(at)}
	cursor := at.Cursor
	if at.Page != "" { // each group before it has a cursor
		n, _ := sls.CursorNumber(at.Page)
		cursor = n + int64(at.Group)
	}
	id := fmt.Sprintf("%d/%d/%d", at.Shard, cursor, at.Index)
	if s.cfg.Query != "" || s.cfg.Processor != "" { // or rather it would, if none were left out
		id += "/" + at.Page
	}
	day, err := s.received(p.ctx, p, cursor)
	if err != nil {
		return err
	}
	return s.put(p.ctx, day, id, e, raw)
}

// refused sets aside the events that Splunk refused, as they were sent: a
// replay needs nothing else. Each gets an object of its own, since what else is
// refused along with it differs from one delivery to the next.
func (s *sink) refused(f *flight, list []hec.Rejection) error {
	g, ctx := errgroup.WithContext(s.ctx)
	g.SetLimit(8)
	for _, r := range list {
		g.Go(func() error { return s.refusedOne(ctx, f.partOf(r.Index), r) })
	}
	return g.Wait()
}

func (s *sink) refusedOne(ctx context.Context, p *page, r hec.Rejection) error {
	at := position{Shard: p.shard, Cursor: int64(r.Pos.A), Index: int(r.Pos.B)} //nolint:gosec // as flight.add wrote them
	at.ID = fmt.Sprintf("%d:%d:%d", at.Shard, at.Cursor, at.Index)
	code := "hec-" + strconv.Itoa(r.Code)
	if r.Code < 0 {
		code = "http-" + strconv.Itoa(r.Status)
	}
	day, err := s.received(ctx, p, at.Cursor)
	if err != nil {
		return err
	}
	e := quarantine.Entry{Reason: fmt.Sprintf("Splunk refused the event: %s (HTTP %d)", r.Text, r.Status), Code: code, Source: s.source(at)}
	return s.put(ctx, day, at.ID, e, r.Event)
}

// put writes a record under a name made of id, unique in the logstore, and of
// the day: the same on every delivery, so that none is held twice.
func (s *sink) put(ctx context.Context, day time.Time, id string, e quarantine.Entry, record []byte) error {
	name, err := s.quarantine.Put(ctx, day, s.cfg.Project+"/"+s.cfg.Logstore+"/"+id, e, record)
	if err != nil {
		return fmt.Errorf("quarantine: %w", err)
	}
	s.keep(name)
	return nil
}

// received returns when SLS received a group of p, exact as to the day.
func (s *sink) received(ctx context.Context, p *page, cursor int64) (time.Time, error) {
	begin, err := p.received(ctx, s.sls)
	if err == nil && !sameDay(begin, p.batch.Received) { // a page may be of many days
		begin, err = s.sls.CursorTime(ctx, p.shard, sls.FormatCursor(cursor))
	}
	if sls.IsInvalidCursor(err) { // gone, since it was read: it is not delivered again
		return time.Now(), nil
	}
	return begin, err
}

func sameDay(a, b time.Time) bool {
	return a.UTC().Truncate(24 * time.Hour).Equal(b.UTC().Truncate(24 * time.Hour))
}

func (s *sink) keep(object string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects = append(s.objects, object)
}

// kept returns the objects written since it was asked last.
func (s *sink) kept() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	objects := s.objects
	s.objects = nil
	return objects
}
