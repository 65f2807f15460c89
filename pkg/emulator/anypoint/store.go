package anypoint

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"time"
)

// position is where an event stands in its log: by time, then by arrival. It
// never changes, so that events added while a client pages shift nothing.
type position struct {
	ms  int64
	seq uint64
}

func (p position) compare(q position) int {
	return cmp.Or(cmp.Compare(p.ms, q.ms), cmp.Compare(p.seq, q.seq))
}

// log is an organisation's events in the order of their positions.
type log interface {
	len() int
	at(i int) position
	// visible is when event i can be found, in Unix nanoseconds; 0: always.
	visible(i int) int64
	// delayed tells whether any event is not always visible.
	delayed() bool
	// append adds the bytes of event i to buf.
	append(buf []byte, i int) []byte
}

// search returns the index of the first event at p or after it.
func search(l log, p position) int {
	return sort.Search(l.len(), func(i int) bool { return l.at(i).compare(p) >= 0 })
}

// held is a log in memory. It does not change: adding to it makes another, so
// that a page may go out slowly while events are added.
type held struct {
	index []entry
	seq   uint64
	late  bool
}

type entry struct {
	position
	visibleAt int64
	raw       []byte
}

func (h *held) len() int                        { return len(h.index) }
func (h *held) at(i int) position               { return h.index[i].position }
func (h *held) visible(i int) int64             { return h.index[i].visibleAt }
func (h *held) delayed() bool                   { return h.late }
func (h *held) append(buf []byte, i int) []byte { return append(buf, h.index[i].raw...) }

// with returns h and the events.
func (h *held) with(events []Event) (*held, error) {
	more := &held{seq: h.seq + uint64(len(events)), late: h.late}
	fresh := make([]entry, len(events))
	for i, e := range events {
		if !json.Valid(e.Raw) {
			return nil, fmt.Errorf("event %d is not JSON", i)
		}
		ms, err := eventTime(e)
		if err != nil {
			return nil, fmt.Errorf("event %d: %w", i, err)
		}
		fresh[i] = entry{position{ms, h.seq + uint64(i)}, 0, e.Raw}
		if !e.VisibleAt.IsZero() {
			fresh[i].visibleAt = e.VisibleAt.UnixNano()
			more.late = true
		}
	}
	byPosition := func(a, b entry) int { return a.compare(b.position) }
	slices.SortFunc(fresh, byPosition)
	if len(fresh) == 0 || len(h.index) == 0 || byPosition(h.index[len(h.index)-1], fresh[0]) < 0 {
		more.index = append(h.index, fresh...) // writes only beyond what others see
		return more, nil
	}
	more.index = slices.Concat(h.index, fresh)
	slices.SortFunc(more.index, byPosition)
	return more, nil
}

func eventTime(e Event) (int64, error) {
	if !e.Time.IsZero() {
		return e.Time.UnixMilli(), nil
	}
	var fields struct {
		Timestamp json.RawMessage `json:"timestamp"`
	}
	if err := json.Unmarshal(e.Raw, &fields); err != nil {
		return 0, fmt.Errorf("no Time given and no timestamp to read: %w", err)
	}
	t, err := parseDate(fields.Timestamp)
	if err != nil {
		return 0, fmt.Errorf("no Time given and no timestamp to read: %w", err)
	}
	return t.UnixMilli(), nil
}

// synth is a log made up on demand.
type synth struct {
	Synthetic
	org  string
	from int64
	span int64
}

func newSynth(org string, y Synthetic) *synth {
	return &synth{y, org, y.From.UnixMilli(), y.To.UnixMilli() - y.From.UnixMilli()}
}

func (y *synth) len() int          { return y.N }
func (y *synth) visible(int) int64 { return 0 }
func (y *synth) delayed() bool     { return false }

func (y *synth) at(i int) position {
	// In two steps, as i·span may overflow.
	n := int64(y.N)
	ms := y.span/n*int64(i) + y.span%n*int64(i)/n
	return position{y.from + ms, uint64(i)}
}

func (y *synth) append(buf []byte, i int) []byte {
	return appendSynthetic(buf, y.org, y.Seed, i, y.at(i).ms)
}

// parseDate reads Unix milliseconds or an ISO 8601 date with its zone.
func parseDate(raw json.RawMessage) (time.Time, error) {
	var s string
	if json.Unmarshal(raw, &s) == nil && len(raw) > 0 && raw[0] == '"' {
		for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04Z07:00", time.DateOnly} {
			if t, err := time.Parse(layout, s); err == nil {
				return t, nil
			}
		}
		return time.Time{}, fmt.Errorf("%q is no ISO 8601 date", s)
	}
	var ms float64
	if err := json.Unmarshal(raw, &ms); err != nil || string(raw) == "null" {
		return time.Time{}, fmt.Errorf("%q is no date", raw)
	}
	return time.UnixMilli(int64(ms)), nil
}
