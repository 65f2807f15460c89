package anypoint

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/siemfeed/siemfeed/pkg/retry"
)

// maxPageSize is what other collectors ask for; the API documents no maximum.
const maxPageSize = 200

// Query selects the entries of one organisation (business group; those below
// it have logs of their own) from From on and before To. The API counts in
// milliseconds.
type Query struct {
	Org      string
	From, To time.Time
}

// Handler takes what a query finds. Its calls come from one goroutine, in
// order. An error of Entry, Reject or PageEnd ends the query and is returned as it is.
type Handler interface {
	// PageStart comes before a page is read. Attempt is 1, or more when the
	// page broke off and is read again: all entries since the PageStart before
	// will come once more, and what was done with them must be undone.
	PageStart(attempt int)
	// Entry takes an entry as the API sent it, only white space between tokens
	// removed. Raw is valid during the call.
	Entry(raw []byte) error
	// Reject takes an entry that is longer than [Options].MaxRecordBytes, is no
	// object or no JSON. The rest of the page follows.
	Reject(r Rejected) error
	// PageEnd says that the page was complete and correct, and whether more pages
	// follow.
	PageEnd(more bool) error
}

// Stats is what a query took, also when it failed.
type Stats struct {
	Pages   int   // complete pages, the last and empty one included
	Entries int   // in complete pages, rejected ones included, and within the query's bounds
	Outside int   // likewise, but beside the bounds: not handed out
	Bytes   int64 // of JSON read, that of failed attempts included
	Total   int64 // Entries and Outside, as the API counted; -1 when it did not say
	Retries int   // requests made again, for whatever reason
}

// request is the body of a query.
type request struct {
	OrganizationID string          `json:"organizationId"`
	StartDate      string          `json:"startDate"`
	EndDate        string          `json:"endDate"`
	Ascending      bool            `json:"ascending"`
	Limit          int             `json:"limit"`
	Cursor         json.RawMessage `json:"cursor,omitempty"`
}

// date writes a bound of a query.
func date(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z") }

// request returns the body of q's first page; some is false when q is empty.
func (q Query) request(limit int) (r request, b bounds, some bool) {
	b = q.bounds()
	return request{
		OrganizationID: q.Org, StartDate: date(b.first), EndDate: date(b.last), Ascending: true, Limit: limit,
	}, b, b.from < b.to
}

// Entries hands all entries of q to h, in the order of the API, which is asked
// for the oldest first, page by page. A page that fails is read again, see
// [Handler]; so is one that says neither how to go on nor that the total is
// reached, and in the end that is an error: an answer that breaks off never
// counts as the end. Where the API takes its cursor no more, the error is of the
// kind [Expired]. An entry without a timestamp is taken to be within q.
func (c *Client) Entries(ctx context.Context, q Query, h Handler) (Stats, error) {
	st := Stats{Total: -1}
	req, b, some := q.request(c.pageSize)
	if !some {
		return st, nil
	}
	in := &inside{Handler: h, bounds: b}
	w := &walk{org: q.Org, limit: c.pageSize}
	for more := true; more; {
		t, err := c.page(ctx, &st, req, w.pages == 0, in, func(t trailer) (_ bool, err error) {
			more, err = w.add(t)
			return more, err
		})
		st.Pages, st.Outside = w.pages, in.outside
		st.Entries = int(w.entries) - in.outside
		if err != nil {
			return st, err
		}
		st.Total = w.total
		req.Cursor = t.cursor
	}
	return st, nil
}

// Total asks how many entries q has, those beside its bounds included as in
// [Stats]. The answer may differ from what [Client.Entries] found earlier, since
// entries arrive late.
func (c *Client) Total(ctx context.Context, q Query) (int64, error) {
	req, _, some := q.request(1)
	if !some {
		return 0, nil
	}
	return c.total(ctx, req)
}

// Count asks how many entries q has where the API keeps to its documentation:
// both bounds are inclusive, in milliseconds. So none beside them is counted;
// where it does not, the answer may be off by those at the bounds, which
// [Client.Entries] tells.
func (c *Client) Count(ctx context.Context, q Query) (int64, error) {
	req, b, some := q.request(1)
	if !some {
		return 0, nil
	}
	req.StartDate, req.EndDate = date(b.from), date(b.to-1)
	return c.total(ctx, req)
}

func (c *Client) total(ctx context.Context, req request) (int64, error) {
	t, err := c.page(ctx, new(Stats), req, true, ignore{}, func(trailer) (bool, error) { return false, nil })
	if err != nil {
		return 0, err
	}
	n, ok := number(t.total)
	if !ok {
		return 0, retry.Permanent(&Error{Kind: Protocol, Org: req.OrganizationID, Detail: "the API named no total"})
	}
	return n, nil
}

type ignore struct{}

func (ignore) PageStart(int)         {}
func (ignore) Entry([]byte) error    { return nil }
func (ignore) Reject(Rejected) error { return nil }
func (ignore) PageEnd(bool) error    { return nil }

// number reads a total, which is a number or a string of one.
func number(raw []byte) (int64, bool) {
	n, err := strconv.ParseInt(string(bytes.Trim(raw, `"`)), 10, 64)
	return n, err == nil && n >= 0
}

var readers = sync.Pool{New: func() any { return new(page) }}

// page reads one page that check takes, however many attempts that takes.
func (c *Client) page(ctx context.Context, st *Stats, req request, total bool, h Handler, check func(trailer) (more bool, err error)) (t trailer, err error) {
	k := call{
		method: http.MethodPost, path: "/audit/v2/organizations/" + url.PathEscape(req.OrganizationID) + "/query",
		query: url.Values{"cursorPagination": {"true"}}, contentType: "application/json", org: req.OrganizationID,
	}
	if total {
		k.query.Set("doIncludeTotal", "true")
	}
	if k.body, err = json.Marshal(req); err != nil {
		return t, retry.Permanent(&Error{Kind: Protocol, Org: k.org, Detail: "the cursor cannot be sent back", Err: err})
	}
	p := readers.Get().(*page)
	defer func() {
		p.reset(nil, nil, nil, 0, nil, nil) //nolint:staticcheck // lets go of all
		readers.Put(p)
	}()
	attempt := 0
	err = c.retry(ctx, st, func(ctx context.Context) error {
		res, err := c.do(ctx, st, k)
		if err != nil {
			return err
		}
		defer drain(res.Body)
		switch code := res.StatusCode; {
		case len(req.Cursor) > 0 && (code == http.StatusBadRequest || code == http.StatusGone):
			// All else of the request it took with the page before.
			return &final{&Error{Kind: Expired, Status: code, Org: k.org, Detail: "the API does not take its cursor any more: " + excerpt(res.Body, borne(res))}}
		case code/100 != 2:
			return statusError(res, k.org, "Audit Log Viewer")
		}
		attempt++
		h.PageStart(attempt)
		p.reset(ctx, res.Body, c.room, c.maxRecord,
			func(raw []byte) error { return ends(h.Entry(raw)) },
			func(r Rejected) error { return ends(h.Reject(r)) })
		defer func() { st.Bytes += p.src.n }()
		t, err = p.parse()
		var handler *final
		if err != nil && !errors.As(err, &handler) {
			return bodyError(ctx, k.org, err)
		}
		more := false
		if err == nil {
			more, err = check(t)
		}
		if err != nil {
			return err
		}
		return ends(h.PageEnd(more))
	})
	return t, err
}

// ends makes an error of a handler the end of the query.
func ends(err error) error {
	if err != nil {
		return &final{err}
	}
	return nil
}
