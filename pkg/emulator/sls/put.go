package sls

import (
	"strconv"
	"time"
	"unicode/utf8"

	sdk "github.com/aliyun/aliyun-log-go-sdk"
	"github.com/gogo/protobuf/proto"
)

// What a write may hold. Source: PutLogs ("If one of the preceding limits is
// exceeded, the request will fail and no log data will be written"; a log has at
// least one content, its time lies within seven days before and 15 minutes after
// now) and the page on the formats of a log (topic, source).
const (
	maxValue = 1 << 20
	maxName  = 128
	maxAge   = 7 * 24 * time.Hour
	maxAhead = 15 * time.Minute
)

// checkLog refuses a log that the service would. Which code a bad key gets is
// inferred from its name in "Common error codes".
func (l *Logstore) checkLog(log *sdk.Log) error {
	l.mu.Lock()
	most := l.maxKey
	l.mu.Unlock()
	now := time.Now().Add(l.opts.Skew)
	if t := time.Unix(int64(log.GetTime()), 0); now.Sub(t) > maxAge || t.Sub(now) > maxAhead {
		return errf(400, "PostBodyInvalid", "The post data time is out of range")
	}
	if len(log.Contents) == 0 {
		return errf(400, "PostBodyInvalid", "a log without contents")
	}
	for _, kv := range log.Contents {
		switch key := kv.GetKey(); {
		case key == "" || !utf8.ValidString(key) || most > 0 && len(key) > most:
			return errf(400, "InvalidKey", "the key %.200q is invalid", key)
		case len(kv.GetValue()) > maxValue:
			return errf(400, "PostBodyInvalid", "The value of %s is beyond 1MB", key)
		}
	}
	return nil
}

func putLogs(c *call) error {
	h := c.r.Header
	if h.Get("Content-Type") != "application/x-protobuf" {
		return errf(415, "InvalidContentType", "Content-Type %s is unsupported", h.Get("Content-Type"))
	}
	size, err := strconv.Atoi(h.Get("x-log-bodyrawsize"))
	if err != nil || size < 0 {
		return errf(400, "InvalidBodyRawSize", "x-log-bodyrawsize is invalid")
	}
	if most := c.store.opts.MaxPutBytes; len(c.body) > most || size > most {
		return errf(400, "PostBodyTooLarge", "body size %d must little than %d", max(size, len(c.body)), most)
	}
	raw, err := unpack(h.Get("x-log-compresstype"), c.body, size)
	if err != nil {
		return err
	}
	var g sdk.LogGroup
	if err := proto.Unmarshal(raw, &g); err != nil {
		return errf(400, "PostBodyInvalid", "parse protobuf failed: %v", err)
	}
	if most := c.store.opts.MaxPutLogs; len(g.Logs) > most {
		return errf(400, "PostBodyInvalid", "log count %d must little than %d", len(g.Logs), most)
	}
	if len(g.GetTopic()) > maxName || len(g.GetSource()) > maxName {
		return errf(400, "PostBodyInvalid", "topic and source must be no longer than %d bytes", maxName)
	}
	for _, l := range g.Logs {
		if err := c.store.checkLog(l); err != nil {
			return err // and no other log of the group is written
		}
	}
	return c.store.put(raw, len(g.Logs), c.get("key"))
}

// LimitKeys changes what [Options] MaxKeyBytes says.
func (l *Logstore) LimitKeys(bytes int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.maxKey = bytes
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
