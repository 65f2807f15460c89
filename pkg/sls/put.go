package sls

import (
	"context"
	"net/http"

	"github.com/siemfeed/siemfeed/pkg/retry"
)

// Limits of one write that every region accepts. Source: PutLogs (2021); newer
// SDKs go beyond them.
const (
	MaxPutBytes = 3 << 20 // raw bytes of a LogGroup
	MaxPutLogs  = 4096    // logs of a LogGroup
)

// Put writes a group, in several requests where one would be beyond the
// limits. A retry after an answer that was lost writes twice: SLS knows no
// idempotent write. After an error, sent says how many of the group's logs are
// known to be written. API: PostLogStoreLogs.
func (c *Client) Put(ctx context.Context, g *LogGroup) (sent int, err error) {
	var raw []byte
	for part := *g; sent < len(g.Logs); sent += len(part.Logs) {
		part.Logs = g.Logs[sent : sent+fits(g, sent)]
		raw = part.Append(raw[:0])
		if err := c.putRaw(ctx, raw); err != nil {
			return sent, err
		}
	}
	return sent, nil
}

// fits counts how many logs from i on go into one request, at least one.
func fits(g *LogGroup, i int) int {
	size := len((&LogGroup{Topic: g.Topic, Source: g.Source, Tags: g.Tags}).Append(nil))
	n := 0
	for ; i+n < len(g.Logs) && n < MaxPutLogs; n++ {
		size += 1 + sizeChunk(g.Logs[i+n].size())
		if size > MaxPutBytes && n > 0 {
			break
		}
	}
	return n
}

func (c *Client) putRaw(ctx context.Context, raw []byte) error {
	body, err := compressLZ4(nil, raw)
	if err != nil {
		return retry.Permanent(err)
	}
	_, err = c.call(ctx, &request{
		method: http.MethodPost, body: body, rawSize: len(raw),
		header: map[string]string{"Content-Type": "application/x-protobuf", "x-log-compresstype": lz4Type},
	}, nil)
	return err
}
