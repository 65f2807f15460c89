package sls

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Shard is one shard of a logstore.
type Shard struct {
	ID         int    `json:"shardID"`
	Status     string `json:"status"` // readwrite, or readonly after a split or merge
	BeginKey   string `json:"inclusiveBeginKey"`
	EndKey     string `json:"exclusiveEndKey"`
	CreateTime int64  `json:"createTime"` // Unix seconds
}

// Created is when the shard came.
func (s Shard) Created() time.Time { return time.Unix(s.CreateTime, 0).UTC() }

// ReadOnly tells whether no more logs can arrive in the shard.
func (s Shard) ReadOnly() bool { return s.Status == "readonly" }

// Shards lists the logstore's shards, readonly ones included.
// API: ListShards.
func (c *Client) Shards(ctx context.Context) ([]Shard, error) {
	var out []Shard
	_, err := c.call(ctx, &request{method: http.MethodGet, path: "/shards"}, &out)
	return out, err
}

// Where in a shard a cursor is asked for, besides a time.
const (
	Begin = "begin" // the oldest LogGroup that is kept
	End   = "end"   // behind the newest
)

// Cursor returns the cursor of a place in the shard: [Begin], [End] or Unix
// seconds of receive time, in decimal. API: GetCursor.
func (c *Client) Cursor(ctx context.Context, shard int, from string) (string, error) {
	var out struct{ Cursor string }
	_, err := c.call(ctx, &request{
		method: http.MethodGet, path: shardPath(shard),
		query: url.Values{"type": {"cursor"}, "from": {from}},
	}, &out)
	if err == nil && out.Cursor == "" {
		err = fmt.Errorf("sls: shard %d has no cursor at %q", shard, from)
	}
	return out.Cursor, err
}

// CursorAt returns the cursor of the first LogGroup received at t or later.
func (c *Client) CursorAt(ctx context.Context, shard int, t time.Time) (string, error) {
	return c.Cursor(ctx, shard, strconv.FormatInt(t.Unix(), 10))
}

// CursorTime returns when the LogGroup at cursor was received, to the second.
// API: GetCursorTime.
func (c *Client) CursorTime(ctx context.Context, shard int, cursor string) (time.Time, error) {
	var out struct {
		Time int64 `json:"cursor_time"`
	}
	_, err := c.call(ctx, &request{
		method: http.MethodGet, path: shardPath(shard),
		query: url.Values{"type": {"cursor_time"}, "cursor": {cursor}},
	}, &out)
	return time.Unix(out.Time, 0).UTC(), err
}

func shardPath(shard int) string { return "/shards/" + strconv.Itoa(shard) }
