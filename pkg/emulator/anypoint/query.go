package anypoint

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	defaultLimit = 25     // the vendor's sample
	maxLimit     = 200    // the largest any public collector asks for
	totalCap     = 10_000 // of doIncludeTotal=capped; the vendor names no figure
)

// request is the body of a query.
type request struct {
	StartDate json.RawMessage `json:"startDate"`
	EndDate   json.RawMessage `json:"endDate"`
	Ascending *bool           `json:"ascending"`
	Offset    int             `json:"offset"`
	Limit     *int            `json:"limit"`
	Cursor    *string         `json:"cursor"`
	filter
}

// selection is a request that was understood.
type selection struct {
	first, last int64 // inclusive, ms
	ascending   bool
	offset      int
	limit       int
	cursor      bool    // cursor paging
	after       *cursor // where the page before ended
	total       string  // "", "true" or "capped"
	filter      filter
}

// query is POST /audit/v2/organizations/{org}/query.
func (s *Server) query(w http.ResponseWriter, r *http.Request) {
	o := s.org(r.PathValue("org"))
	if o == nil {
		problem(w, http.StatusNotFound, "Organization not found")
		return
	}
	o.mu.RLock()
	events, forbidden := o.log, o.forbidden
	o.mu.RUnlock()
	if forbidden {
		problem(w, http.StatusForbidden, "Forbidden: the Audit Log Viewer permission is required")
		return
	}
	sel, err := understand(w, r)
	if err != nil {
		problem(w, http.StatusBadRequest, err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	out := io.Writer(w)
	if s.opts.Gzip && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		defer func() { _ = z.Close() }()
		out = z
	}
	answer(out, events, s.opts.Deviations.cut(sel), s.opts.Deviations)
}

func understand(w http.ResponseWriter, r *http.Request) (sel selection, err error) {
	var in request
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&in); err != nil {
		return sel, fmt.Errorf("the body is not a query: %w", err)
	}
	params := r.URL.Query()
	sel = selection{
		ascending: in.Ascending == nil || *in.Ascending,
		offset:    in.Offset,
		limit:     defaultLimit,
		cursor:    params.Get("cursorPagination") == "true",
		total:     params.Get("doIncludeTotal"),
		filter:    in.filter,
	}
	if in.Limit != nil {
		sel.limit = min(*in.Limit, maxLimit)
	}
	start, err := parseDate(in.StartDate)
	if err != nil {
		return sel, fmt.Errorf("startDate: %w", err)
	}
	end := time.Now()
	if len(in.EndDate) > 0 && string(in.EndDate) != "null" {
		if end, err = parseDate(in.EndDate); err != nil {
			return sel, fmt.Errorf("endDate: %w", err)
		}
	}
	sel.first, sel.last = start.UnixMilli(), end.UnixMilli()
	switch {
	case sel.limit <= 0:
		return sel, fmt.Errorf("limit must be positive")
	case sel.offset < 0:
		return sel, fmt.Errorf("offset must not be negative")
	case sel.total != "" && sel.total != "true" && sel.total != "false" && sel.total != "capped":
		return sel, fmt.Errorf("doIncludeTotal must be true, false or capped")
	case in.Cursor == nil || *in.Cursor == "":
		return sel, nil
	case !sel.cursor:
		return sel, fmt.Errorf("a cursor needs cursorPagination=true: the mode of paging cannot change between pages")
	}
	sel.after, err = parseCursor(*in.Cursor)
	return sel, err
}

// cursor is the position of the last event it follows, "<ms>_<arrival>", with
// another "_" when it also follows an empty page there.
type cursor struct {
	position
	passed bool
}

func (c cursor) String() string {
	s := strconv.FormatInt(c.ms, 10) + "_" + strconv.FormatUint(c.seq, 16)
	if c.passed {
		s += "_"
	}
	return s
}

func parseCursor(s string) (*cursor, error) {
	at, passed := strings.CutSuffix(s, "_")
	ms, seq, ok := strings.Cut(at, "_")
	m, err1 := strconv.ParseInt(ms, 10, 64)
	q, err2 := strconv.ParseUint(seq, 16, 64)
	if !ok || err1 != nil || err2 != nil {
		return nil, fmt.Errorf("invalid cursor %q", s)
	}
	return &cursor{position{m, q}, passed}, nil
}

var buffers = sync.Pool{New: func() any { return new([]byte) }}

// answer writes a page. It goes out piece by piece, since one may be large.
func answer(w io.Writer, l log, sel selection, d Deviations) {
	const piece = 64 << 10
	pooled := buffers.Get().(*[]byte)
	defer buffers.Put(pooled)
	buf := append((*pooled)[:0], `{"data":[`...)

	found := sel.find(l)
	skip := sel.offset
	if sel.cursor {
		skip = 0 // a cursor overrides the offset
	}
	form := d.form(l, sel)
	var last cursor
	n := 0
	for i := range found {
		if form.empty {
			break
		}
		if skip > 0 {
			skip--
			continue
		}
		if n == sel.limit {
			break
		}
		if n > 0 {
			buf = append(buf, ',')
		}
		buf = l.append(buf, i)
		last.position = l.at(i)
		n++
		if len(buf) >= piece {
			if _, err := w.Write(buf); err != nil {
				return // the client is gone
			}
			buf = buf[:0]
		}
	}
	buf = append(buf, ']')
	if form.hole {
		last = cursor{sel.after.position, true}
	}
	if form.stuck {
		last = *sel.after
	}
	if form.cursor && (n > 0 || form.hole) {
		buf = append(buf, `,"cursor":"`...)
		buf = append(buf, last.String()...)
		buf = append(buf, '"')
	}
	if !sel.cursor || sel.total == "true" || sel.total == "capped" {
		total := sel.count(l)
		if sel.total == "capped" {
			total = min(total, totalCap)
		}
		if total, told := d.count(total); told {
			buf = append(buf, `,"total":`...)
			buf = strconv.AppendInt(buf, int64(total), 10)
		}
	}
	buf = append(buf, '}')
	_, _ = w.Write(buf)
	*pooled = buf
}

// span returns the indexes [lo, hi) of the events between the bounds, and
// beyond the cursor.
func (sel selection) span(l log) (lo, hi int) {
	lo = search(l, position{sel.first, 0})
	hi = search(l, position{sel.last, math.MaxUint64})
	switch {
	case sel.after == nil:
	case sel.ascending:
		lo = max(lo, search(l, position{sel.after.ms, sel.after.seq + 1}))
	default:
		hi = min(hi, search(l, sel.after.position))
	}
	return lo, max(lo, hi)
}

// find yields the indexes of what the query matches, in its order.
func (sel selection) find(l log) func(yield func(int) bool) {
	now := time.Now().UnixNano()
	lo, hi := sel.span(l)
	return func(yield func(int) bool) {
		for k := range hi - lo {
			i := lo + k
			if !sel.ascending {
				i = hi - 1 - k
			}
			if l.visible(i) <= now && sel.filter.match(l, i) && !yield(i) {
				return
			}
		}
	}
}

// count counts what the query matches on all of its pages.
func (sel selection) count(l log) int {
	sel.after = nil
	if !l.delayed() && sel.filter.all() {
		lo, hi := sel.span(l)
		return hi - lo
	}
	n := 0
	for range sel.find(l) {
		n++
	}
	return n
}
