package slshec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/siemfeed/siemfeed/pkg/hec"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
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
	id := fmt.Sprintf("%s/%s/%d/%d/%d/%s", s.cfg.Project, s.cfg.Logstore, at.Shard, at.Cursor, at.Index, at.Page)
	name, err := s.quarantine.Put(p.ctx, p.day(), id, e, raw)
	if err != nil {
		return fmt.Errorf("quarantine: %w", err)
	}
	s.keep(name)
	return nil
}

// refused sets aside the events that Splunk refused, as they were sent: a
// replay needs nothing else.
func (s *sink) refused(f *flight, list []hec.Rejection) error {
	var ids bytes.Buffer
	ids.WriteString(s.cfg.Project + "/" + s.cfg.Logstore)
	at := make([]position, len(list))
	for i, r := range list {
		p := position{Shard: f.partOf(r.Index).shard, Cursor: int64(r.Pos.A), Index: int(r.Pos.B)} //nolint:gosec // as flight.add wrote them
		p.ID = fmt.Sprintf("%d:%d:%d", p.Shard, p.Cursor, p.Index)
		at[i] = p
		ids.WriteString(" " + p.ID)
	}
	batch := s.quarantine.Batch(s.ctx, f.partOf(list[0].Index).day(), ids.String())
	defer batch.Abort()
	for i, r := range list {
		code := "hec-" + strconv.Itoa(r.Code)
		if r.Code < 0 {
			code = "http-" + strconv.Itoa(r.Status)
		}
		e := quarantine.Entry{Reason: fmt.Sprintf("Splunk refused the event: %s (HTTP %d)", r.Text, r.Status), Code: code, Source: s.source(at[i])}
		if err := batch.Add(e, bytes.NewReader(r.Event)); err != nil {
			return fmt.Errorf("quarantine: %w", err)
		}
	}
	name, err := batch.Commit()
	if err != nil {
		return fmt.Errorf("quarantine: %w", err)
	}
	s.keep(name)
	return nil
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
