package sls

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/siemfeed/siemfeed/pkg/cause"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/version"
)

// maxAnswer bounds every answer except a pull's.
const maxAnswer = 16 << 20

type request struct {
	method  string
	path    string // below /logstores/{logstore}
	project bool   // path is below the project instead
	query   url.Values
	header  map[string]string
	body    []byte
	rawSize int // of body before compression; 0 with JSON
	// lost, if set, hears of each attempt that failed and may have been carried out
	// all the same.
	lost func()
	sent bool // whether the attempt has got as far as to be sent
}

// send makes one attempt. An answer other than 200 becomes an error; the
// caller closes the body of any other.
func (c *Client) send(ctx context.Context, q *request) (*http.Response, error) {
	u := c.base
	u.Path = "/logstores/" + c.logstore + q.path
	if q.project {
		u.Path = q.path
	}
	u.RawQuery = q.query.Encode()
	r, err := http.NewRequestWithContext(ctx, q.method, u.String(), bytes.NewReader(q.body))
	if err != nil {
		return nil, retry.Permanent(fmt.Errorf("sls: %w", err))
	}
	if q.body == nil {
		r.Body, r.GetBody, r.ContentLength = http.NoBody, nil, 0
	}
	r.Host = c.host
	r.Header.Set("User-Agent", version.UserAgent())
	r.Header.Set("x-log-apiversion", "0.6.0")
	r.Header.Set("x-log-bodyrawsize", strconv.Itoa(q.rawSize))
	for k, v := range q.header {
		r.Header.Set(k, v)
	}
	creds, err := c.creds.Credentials(ctx)
	if err != nil {
		return nil, cause.Mark(cause.NoCredentials, fmt.Errorf("sls: credentials: %w", err))
	}
	if creds.SecurityToken != "" {
		r.Header.Set("x-acs-security-token", creds.SecurityToken)
	}
	if c.opts.Region != "" {
		signV4(r, q.body, creds, c.opts.Region, time.Now())
	} else {
		signV1(r, q.body, creds, time.Now())
	}
	q.sent = true
	resp, err := c.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("sls: %w", err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close() //nolint:errcheck // nothing more is read
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil && resp.StatusCode >= 500 {
		body = nil // the status alone decides
	} else if err != nil {
		return nil, fmt.Errorf("sls: HTTP %d, then %w", resp.StatusCode, err)
	}
	return nil, refusal(resp.StatusCode, resp.Header, body, creds.SecurityToken, creds.AccessKeySecret)
}

// call retries q and decodes its JSON answer into out, unless that is nil. It
// returns the answer's header.
func (c *Client) call(ctx context.Context, q *request, out any) (http.Header, error) {
	if q.body != nil && q.header["Content-Type"] == "" {
		q.header = map[string]string{"Content-Type": "application/json"}
	}
	var header http.Header
	err := c.retry(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, c.opts.Timeout)
		defer cancel()
		q.sent = false
		resp, err := c.send(ctx, q)
		if err != nil {
			if q.lost != nil && q.sent && unsure(err) {
				q.lost()
			}
			return err
		}
		defer resp.Body.Close() //nolint:errcheck // read to its end or given up
		body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
		header = resp.Header
		if out == nil {
			return nil // the status has said that it is done
		}
		if err != nil {
			return fmt.Errorf("sls: answer to %s %s: %w", q.method, q.path, err)
		}
		if err := json.Unmarshal(body, out); err != nil {
			// Most likely cut short on the way.
			return fmt.Errorf("sls: answer to %s %s: %w", q.method, q.path, err)
		}
		return nil
	})
	return header, err
}
