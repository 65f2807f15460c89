package consume

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

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
	Row      int    `json:"row,omitempty"`    // see [Row]
	Page     string `json:"page,omitempty"`   // cursor of the pull, where a group cannot be told
	Group    int    `json:"group,omitempty"`  // and how many groups before it were read
}

// codeMalformed is the code of what is not the protobuf it should be.
const codeMalformed = "malformed"

// malformed sets aside bytes that are not the protobuf they should be.
func (p *Page) malformed(at position, cursor int64, raw []byte) error {
	e := quarantine.Entry{Reason: "not a LogGroup that can be decoded: the log at this index and those after it", Code: codeMalformed}
	id := fmt.Sprintf("%d/%d/%d", p.Shard, cursor, at.Index)
	if p.run.c.cfg.filtered() { // or rather a group would have, if none were left out
		id += "/" + at.Page
	}
	return p.setAside(p.ctx, at, cursor, id, e, raw)
}

// Row is a log of a page, or one of several records that a function makes of it.
type Row struct {
	Cursor int64 // of the log's group
	Index  int   // of the log in it, see [sls.Group]
	Row    int   // of the record, from 1; 0 for the log itself, or its only one
}

// Quarantine sets aside a log of the page, or what became of it, under a name
// that is the same on every delivery, so that none is held twice. Record, reason
// and code are the caller's. ctx may be any in which the record is still to be set
// aside.
func (p *Page) Quarantine(ctx context.Context, at Row, e quarantine.Entry, record []byte) error {
	id := fmt.Sprintf("%d:%d:%d", p.Shard, at.Cursor, at.Index)
	where := position{ID: id, Cursor: at.Cursor, Index: at.Index, Row: at.Row}
	if at.Row > 0 {
		id += fmt.Sprint(":", at.Row)
	}
	return p.setAside(ctx, where, at.Cursor, id, e, record)
}

// setAside writes a record into an object of its own, since what else is
// refused along with it differs from one delivery to the next. Its name is made
// of id, unique in the logstore, and of the day on which SLS received it.
func (p *Page) setAside(ctx context.Context, at position, cursor int64, id string, e quarantine.Entry, record []byte) error {
	day, err := p.receivedAt(ctx, cursor)
	if err != nil {
		return err
	}
	c := p.run.c
	at.Project, at.Logstore, at.Shard = c.cfg.Project, c.cfg.Logstore, p.Shard
	if e.Source, err = json.Marshal(at); err != nil {
		return err
	}
	name, err := c.quarantine.Put(ctx, day, c.cfg.Project+"/"+c.cfg.Logstore+"/"+id, e, record)
	if err != nil {
		return fmt.Errorf("quarantine: %w", err)
	}
	p.run.setAside(name)
	return nil
}

// receivedAt returns when SLS received a group of the page, exact as to the day.
func (p *Page) receivedAt(ctx context.Context, cursor int64) (time.Time, error) {
	begin, err := p.beginning(ctx)
	if err == nil && !sameDay(begin, p.Received) { // a page may be of many days
		begin, err = p.run.c.sls.CursorTime(ctx, p.Shard, sls.FormatCursor(cursor))
	}
	if sls.IsInvalidCursor(err) { // gone, since it was read: it is not delivered again
		return time.Now(), nil
	}
	return begin, err
}

func sameDay(a, b time.Time) bool {
	return a.UTC().Truncate(24 * time.Hour).Equal(b.UTC().Truncate(24 * time.Hour))
}

// beginning returns when SLS received the first group of the page, and asks once.
func (p *Page) beginning(ctx context.Context) (time.Time, error) {
	p.asking.Lock()
	defer p.asking.Unlock()
	if p.begun.IsZero() {
		t, err := p.run.c.sls.CursorTime(ctx, p.Shard, p.Cursor)
		if err != nil {
			return time.Time{}, err
		}
		p.begun = t
	}
	return p.begun, nil
}
