package sls

import (
	"encoding/base64"
	"sort"
	"strconv"
	"time"
)

// shard is one shard: a run of groups numbered from first on.
type shard struct {
	ID         int    `json:"shardID"`
	Status     string `json:"status"`
	BeginKey   string `json:"inclusiveBeginKey"`
	EndKey     string `json:"exclusiveEndKey"`
	CreateTime int64  `json:"createTime"`

	parents []int
	first   int64 // number of groups[0]
	groups  []group
	loop    *loop // instead of groups
	quota   quota
}

// group is a LogGroup as it was received.
type group struct {
	raw      []byte
	logs     int
	received int64 // Unix seconds
}

// end is the number behind the newest group.
func (s *shard) end() int64 {
	if s.loop != nil {
		return s.loop.start + s.loop.total
	}
	return s.first + int64(len(s.groups))
}

// at finds the first group received at or after t.
func (s *shard) at(t int64) int64 {
	if s.loop != nil {
		if t <= s.loop.received {
			return s.first
		}
		return s.end()
	}
	i := sort.Search(len(s.groups), func(i int) bool { return s.groups[i].received >= t })
	return s.first + int64(i)
}

func formatCursor(n int64) string {
	return base64.StdEncoding.EncodeToString(strconv.AppendInt(nil, n, 10))
}

func parseCursor(s string) (int64, bool) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(string(b), 10, 64)
	return n, err == nil
}

// quota counts what was used in the current second.
type quota struct {
	second       int64
	reads, bytes int
	written      int
}

func (q *quota) roll() {
	if now := time.Now().Unix(); now != q.second {
		*q = quota{second: now}
	}
}

func listShards(c *call) error {
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	return c.json(c.store.shards)
}

// shardOf finds the shard in the path. The caller holds the lock.
func (c *call) shardOf() (*shard, error) {
	id, err := strconv.Atoi(c.path[1])
	if s := c.store.shard(id); err == nil && s != nil {
		return s, nil
	}
	return nil, errf(400, "ShardNotExist", "Shard %s does not exist", c.path[1])
}

func getCursor(c *call) error {
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	s, err := c.shardOf()
	if err != nil {
		return err
	}
	var n int64
	switch from := c.get("from"); from {
	case "begin":
		n = s.first
	case "end":
		n = s.end()
	default:
		t, err := strconv.ParseInt(from, 10, 64)
		if err != nil {
			return errf(400, "ParameterInvalid", "Parameter From is not valid")
		}
		n = s.at(t)
	}
	return c.json(map[string]string{"cursor": formatCursor(n)})
}

// cursorIn reads a cursor that must lie in what the shard holds.
func (s *shard) cursorIn(text string) (int64, error) {
	n, ok := parseCursor(text)
	if !ok {
		return 0, errf(400, "ParameterInvalid", "Parameter Cursor is not valid")
	}
	if n < s.first || n > s.end() {
		return 0, errf(400, "InvalidCursor", "this cursor is invalid")
	}
	return n, nil
}

func getCursorTime(c *call) error {
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	s, err := c.shardOf()
	if err != nil {
		return err
	}
	n, err := s.cursorIn(c.get("cursor"))
	if err != nil {
		return err
	}
	return c.json(map[string]int64{"cursor_time": s.received(n)})
}

func (s *shard) received(n int64) int64 {
	switch {
	case n >= s.end():
		return time.Now().Unix()
	case s.loop != nil:
		return s.loop.received
	}
	return s.groups[n-s.first].received
}
