package sls

import (
	"strconv"
	"time"

	sdk "github.com/aliyun/aliyun-log-go-sdk"
	"github.com/gogo/protobuf/proto"
)

const maxValue = 1 << 20

func putLogs(c *call) error {
	h := c.r.Header
	if h.Get("Content-Type") != "application/x-protobuf" {
		return errf(415, "InvalidContentType", "Content-Type %s is unsupported", h.Get("Content-Type"))
	}
	size, err := strconv.Atoi(h.Get("x-log-bodyrawsize"))
	if err != nil || size < 0 {
		return errf(400, "InvalidBodyRawSize", "x-log-bodyrawsize is invalid")
	}
	if len(c.body) > maxBody || size > maxBody {
		return errf(400, "PostBodyTooLarge", "body size %d must little than %d", max(size, len(c.body)), maxBody)
	}
	raw, err := unpack(h.Get("x-log-compresstype"), c.body, size)
	if err != nil {
		return err
	}
	var g sdk.LogGroup
	if err := proto.Unmarshal(raw, &g); err != nil {
		return errf(400, "PostBodyInvalid", "parse protobuf failed: %v", err)
	}
	now := time.Now().Add(c.store.opts.Skew).Unix()
	for _, l := range g.Logs {
		if t := int64(l.GetTime()); t < now-7*24*3600 || t > now+15*60 {
			return errf(400, "PostBodyInvalid", "The post data time is out of range")
		}
		for _, kv := range l.Contents {
			if len(kv.GetValue()) > maxValue {
				return errf(400, "PostBodyInvalid", "The value of %s is beyond 1MB", kv.GetKey())
			}
		}
	}
	return c.store.put(raw, len(g.Logs), c.get("key"))
}

// put chooses a shard: by the hash key, else the next one in turn.
func (l *Logstore) put(raw []byte, logs int, key string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for range l.shards {
		s := l.shards[l.next%len(l.shards)]
		l.next++
		if s.Status != "readwrite" || s.loop != nil || key != "" && (key < s.BeginKey || key >= s.EndKey) {
			continue
		}
		s.quota.roll()
		if limit := l.opts.WriteBytesPerS; limit > 0 && s.quota.written >= limit {
			return errf(403, "ShardWriteQuotaExceed", "Shard %d write quota exceed", s.ID)
		}
		s.quota.written += len(raw)
		if logs > 0 {
			s.groups = append(s.groups, group{raw, logs, time.Now().Unix()})
		}
		return nil
	}
	return errf(400, "ParameterInvalid", "no shard takes the hash key %s", key)
}
