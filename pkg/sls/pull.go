package sls

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/siemfeed/siemfeed/pkg/retry"
)

// MaxPullGroups is the most LogGroups that one pull may ask for.
const MaxPullGroups = 1000

// PullRequest asks for the LogGroups from Cursor on.
type PullRequest struct {
	Shard  int
	Cursor string
	End    string // cursor to stop before; "" reads on
	Count  int    // most groups; 0 means MaxPullGroups
	Query  string // SPL that filters on the server, such as `* | where a = 'b'`
	// ConsumeProcessor names SPL that the project keeps.
	ConsumeProcessor string
}

// filtered tells whether the answer may leave logs out.
func (q *PullRequest) filtered() bool { return q.Query != "" || q.ConsumeProcessor != "" }

// Page is the answer to a pull. Its bytes are borrowed from the client's
// budget until Release.
type Page struct {
	Shard  int
	Cursor string // what was asked for
	Next   string // where to go on; equal to Cursor at the end of the data
	Count  int    // LogGroups
	Raw    []byte // the LogGroupList, decompressed
	Wire   int    // bytes of the body as sent
	// Received is when SLS received the last group; zero if it does not say.
	Received time.Time
	// AtEnd is set when SLS says that there is nothing after the page.
	AtEnd bool

	first   int64 // cursor of the first group, or what stands in for it
	counted bool  // whether first counts up with the groups

	once   sync.Once
	buf    *buffer
	pool   *buffers
	shared *shared // what this is a piece of, if it is one
}

// Release gives the page's bytes back; nothing read from the page may be used
// afterwards. Later calls do nothing.
func (p *Page) Release() {
	p.once.Do(func() {
		if p.buf != nil {
			p.pool.put(p.buf)
			p.buf, p.Raw = nil, nil
		}
		if p.shared != nil {
			p.Raw = nil
			if p.shared.open.Add(-1) == 0 {
				p.shared.page.Release()
			}
		}
	})
}

// Groups walks the page. Each group carries the cursor it has in the shard. A
// query may leave groups out, so that those left cannot be counted; then all
// carry the number of the page's own cursor, and Base counts the logs before
// them. Where one page ends and the next begins then shows in the numbers: they
// never name two logs, but one log may get another number when it is pulled
// again.
//
// It panics after Release: the bytes may be another page's by then.
func (p *Page) Groups() GroupReader {
	if p.Raw == nil && p.Count > 0 {
		panic("sls: page read after its release")
	}
	r := GroupReader{b: p.Raw, next: p.first}
	if p.counted {
		r.step = 1
	}
	return r
}

// Pull reads LogGroups. It waits for room in the client's memory budget before
// it reads an answer's body. API: PullLogs.
func (c *Client) Pull(ctx context.Context, q PullRequest) (*Page, error) {
	count := q.Count
	if count <= 0 || count > MaxPullGroups {
		count = MaxPullGroups
	}
	query := url.Values{"type": {"logs"}, "cursor": {q.Cursor}, "count": {strconv.Itoa(count)}}
	if q.End != "" {
		query.Set("end_cursor", q.End)
	}
	if q.Query != "" {
		query.Set("query", q.Query)
		query.Set("pullMode", "scan_on_stream")
	}
	if q.ConsumeProcessor != "" {
		query.Set("processor", q.ConsumeProcessor)
	}
	req := &request{
		method: http.MethodGet, path: shardPath(q.Shard), query: query,
		header: map[string]string{"Accept": "application/x-protobuf", "Accept-Encoding": c.opts.Compression},
	}
	var page *Page
	err := c.retry(ctx, func(ctx context.Context) (err error) {
		page, err = c.pullOnce(ctx, req, q)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("shard %d: %w", q.Shard, err)
	}
	return page, nil
}

func (c *Client) pullOnce(ctx context.Context, req *request, q PullRequest) (*Page, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(c.opts.Timeout, func() {
		cancel(fmt.Errorf("sls: no answer to a pull within %s: %w", c.opts.Timeout, errTimeout))
	})
	defer timer.Stop()

	resp, err := c.send(ctx, req)
	if err != nil {
		return nil, timedOut(ctx, err)
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end or given up
	p := &Page{Shard: q.Shard, Cursor: q.Cursor, pool: c.buffers}
	size, err := p.readHeader(resp.Header, q.filtered())
	if err != nil {
		return nil, err
	}
	if size == 0 {
		return p, nil
	}
	if size > c.opts.MaxPullBytes {
		return nil, retry.Permanent(fmt.Errorf("sls: a pull of %d raw bytes at cursor %s is beyond the limit of %d", size, q.Cursor, c.opts.MaxPullBytes))
	}
	wire := compressBound(size)
	if resp.ContentLength > int64(wire) {
		return nil, fmt.Errorf("sls: a body of %d bytes for %d raw ones", resp.ContentLength, size)
	}
	if resp.ContentLength >= 0 {
		wire = int(resp.ContentLength)
	}
	timer.Stop() // how long others hold their memory is no fault of the service
	body, raw, err := c.buffers.get(ctx, wire, size)
	if err != nil {
		return nil, err
	}
	defer c.buffers.put(body)
	timer.Reset(c.opts.Timeout)
	if err := c.readBody(p, resp, body.b[:wire], raw.b[:size]); err != nil {
		c.buffers.put(raw)
		return nil, timedOut(ctx, err)
	}
	p.buf, p.Raw = raw, raw.b[:size]
	return p, nil
}

var errTimeout = errors.New("timeout")

// timedOut says "timeout" where the context of an attempt would say
// "canceled", as if the caller had given up.
func timedOut(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, errTimeout) {
		return cause
	}
	return err
}

// readHeader takes over what the header says and returns the size of the raw
// body.
func (p *Page) readHeader(h http.Header, filtered bool) (size int, err error) {
	p.Next = h.Get("x-log-cursor")
	count, err1 := strconv.ParseUint(h.Get("x-log-count"), 10, 31)
	raw, err2 := strconv.ParseUint(h.Get("x-log-bodyrawsize"), 10, 40)
	if err := errors.Join(err1, err2); err != nil || p.Next == "" {
		return 0, fmt.Errorf("sls: a pull's answer without x-log-cursor, x-log-count or x-log-bodyrawsize: %w",
			errors.Join(err, errHeader))
	}
	if count > 0 && raw == 0 {
		return 0, fmt.Errorf("sls: a pull's answer of %d groups without a body: %w", count, errHeader)
	}
	p.Count = int(count) //nolint:gosec // 31 bits
	if at, err := strconv.ParseInt(h.Get("x-log-cursor-time"), 10, 64); err == nil {
		p.Received = time.Unix(at, 0).UTC()
	}
	p.AtEnd = h.Get("x-log-end-of-cursor") == "1" || p.Next == p.Cursor
	p.number(h.Get("x-log-read-last-cursor"), filtered)
	return int(raw), nil //nolint:gosec // 40 bits
}

var errHeader = errors.New("header incomplete")

// number finds the cursor of the first group: the last one's less those before
// it (SDK model.go, addCursorIfPossible), or from the next cursor, which is
// one further.
func (p *Page) number(last string, filtered bool) {
	n, err := strconv.ParseInt(last, 10, 64)
	ok := err == nil
	if !ok {
		n, ok = CursorNumber(p.Next)
		n--
	}
	from, known := CursorNumber(p.Cursor)
	// Under a query last is that of the groups looked at (SDK client_store.go):
	// where as many came, none was left out.
	if first := n - int64(p.Count) + 1; ok && (!filtered || known && first == from) {
		p.first, p.counted = first, true
		return
	}
	if p.first = from; known {
		return
	}
	// A cursor in a form unknown today: any number will do that is the same
	// on every delivery.
	h := fnv.New64a()
	_, _ = io.WriteString(h, p.Cursor)
	p.first = int64(h.Sum64() >> 1) //nolint:gosec // one bit spare
}

func (c *Client) readBody(p *Page, resp *http.Response, body, raw []byte) error {
	n, err := io.ReadFull(resp.Body, body)
	switch {
	case resp.ContentLength >= 0 && err == nil, resp.ContentLength < 0 && errors.Is(err, io.ErrUnexpectedEOF):
	case err == nil:
		return errRawSize
	default:
		return fmt.Errorf("sls: body of a pull: %w", err)
	}
	p.Wire = n
	return c.decompress(resp.Header.Get("x-log-compresstype"), body[:n], raw)
}
