package sls

import (
	"encoding/binary"
	"net/http"
	"strconv"

	sdk "github.com/aliyun/aliyun-log-go-sdk"
	"github.com/gogo/protobuf/proto"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// PullEvent is a pull that was answered.
type PullEvent struct {
	Shard      int
	From, Next int64  // cursor numbers
	UserAgent  string // who asked, where clients tell themselves apart by it
}

// OnPull calls f for each pull that is answered, while nothing else happens in
// the logstore: f must not call it.
func (l *Logstore) OnPull(f func(PullEvent)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.onPull = append(l.onPull, f)
}

// answer is what a pull found.
type answer struct {
	raw, packed []byte // packed is set when a loop has it ready
	count       int
	cursor      int64 // asked for
	next        int64
	end         int64
	received    int64 // of the last group
}

func pullLogs(c *call) error {
	count, err := strconv.Atoi(c.get("count"))
	if err != nil || count < 0 || count > 1000 {
		return errf(400, "ParameterInvalid", "ParameterCount should be in [0-1000]")
	}
	if count == 0 {
		count = 1
	}
	kind := c.r.Header.Get("Accept-Encoding")
	if kind != "" && kind != "lz4" && kind != "zstd" {
		return errf(400, "InvalidCompressType", "compress type %s is not supported", kind)
	}
	a, err := c.collect(count, kind)
	if err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("x-log-cursor", formatCursor(a.next))
	if a.next > a.cursor {
		h.Set("x-log-read-last-cursor", strconv.FormatInt(a.next-1, 10))
		h.Set("x-log-cursor-time", strconv.FormatInt(a.received, 10))
	}
	if a.next == a.end {
		h.Set("x-log-end-of-cursor", "1")
	}
	query := c.get("query")
	if name := c.get("processor"); name != "" {
		if query, err = c.store.opts.consumeProcessor(name); err != nil {
			return err
		}
	}
	if query != "" {
		if err := a.filter(query, h); err != nil {
			return err
		}
	}
	h.Set("x-log-count", strconv.Itoa(a.count))
	h.Set("x-log-bodyrawsize", strconv.Itoa(len(a.raw)))
	h.Set("Content-Type", "application/x-protobuf")
	body := a.packed
	if body == nil && len(a.raw) > 0 {
		if body, err = pack(kind, a.raw); err != nil {
			return err
		}
	}
	if kind != "" {
		h.Set("x-log-compresstype", kind)
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = c.w.Write(body)
	return nil
}

func (c *call) collect(count int, kind string) (*answer, error) {
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	s, err := c.shardOf()
	if err != nil {
		return nil, err
	}
	from, err := s.cursorIn(c.get("cursor"))
	if err != nil {
		return nil, err
	}
	stop := s.end()
	endCursor := c.get("end_cursor")
	if endCursor == "" {
		endCursor = c.get("endCursor")
	}
	if endCursor != "" {
		n, ok := parseCursor(endCursor)
		if !ok {
			return nil, errf(400, "ParameterInvalid", "Parameter EndCursor is not valid")
		}
		stop = min(stop, n)
	}
	o := c.store.opts
	s.quota.roll()
	if o.ReadsPerSecond > 0 && s.quota.reads >= o.ReadsPerSecond || o.ReadBytesPerSec > 0 && s.quota.bytes >= o.ReadBytesPerSec {
		return nil, errf(403, "ShardReadQuotaExceed", "Shard %d read quota exceed", s.ID)
	}
	a := &answer{cursor: from, next: from, end: s.end()}
	if s.loop != nil {
		s.loop.fill(a, stop, count, kind)
	} else {
		for a.next < stop && a.count < count && (a.count == 0 || len(a.raw) < o.MaxPullBytes) {
			g := s.groups[a.next-s.first]
			a.raw = appendGroup(a.raw, g.raw)
			a.received = g.received
			a.next++
			a.count++
		}
	}
	s.quota.reads++
	s.quota.bytes += len(a.raw)
	for _, f := range c.store.onPull {
		f(PullEvent{s.ID, a.cursor, a.next, c.r.UserAgent()})
	}
	return a, nil
}

// appendGroup appends a group as an element of a LogGroupList.
func appendGroup(list, raw []byte) []byte {
	list = append(list, 1<<3|2)
	list = binary.AppendUvarint(list, uint64(len(raw)))
	return append(list, raw...)
}

func pack(kind string, raw []byte) ([]byte, error) {
	switch kind {
	case "lz4":
		out := make([]byte, lz4.CompressBlockBound(len(raw)))
		n, err := lz4.CompressBlock(raw, out, nil)
		if err != nil {
			return nil, err
		}
		if n == 0 { // incompressible
			return literals(raw), nil
		}
		return out[:n], nil
	case "zstd":
		z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		return z.EncodeAll(raw, nil), nil
	}
	return raw, nil
}

// literals is an LZ4 block of one sequence without a match.
func literals(raw []byte) []byte {
	n := len(raw)
	out := make([]byte, 0, n+n/255+16)
	if n < 15 {
		return append(append(out, byte(n)<<4), raw...)
	}
	out = append(out, 15<<4)
	for n -= 15; n >= 255; n -= 255 {
		out = append(out, 255)
	}
	return append(append(out, byte(n)), raw...)
}

// unpack reverses pack for a write of size raw bytes.
func unpack(kind string, body []byte, size int) ([]byte, error) {
	switch kind {
	case "":
		return body, nil
	case "lz4":
		raw := make([]byte, size)
		n, err := lz4.UncompressBlock(body, raw)
		if err != nil || n != size {
			return nil, errf(400, "PostBodyUncompressError", "body uncompress error")
		}
		return raw, nil
	case "zstd":
		z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxBody))
		if err != nil {
			return nil, err
		}
		raw, err := z.DecodeAll(body, nil)
		if err != nil || len(raw) != size {
			return nil, errf(400, "PostBodyUncompressError", "body uncompress error")
		}
		return raw, nil
	}
	return nil, errf(400, "InvalidCompressType", "compress type %s is not supported", kind)
}

// filter keeps the logs that a query matches.
func (a *answer) filter(query string, h http.Header) error {
	match, err := parseSPL(query)
	if err != nil {
		return err
	}
	var list, out sdk.LogGroupList
	if err := proto.Unmarshal(a.raw, &list); err != nil {
		return err
	}
	before, after := 0, 0
	for _, g := range list.LogGroups {
		kept := *g
		kept.Logs = nil
		for _, l := range g.Logs {
			before++
			if match(g, l) {
				kept.Logs = append(kept.Logs, l)
			}
		}
		after += len(kept.Logs)
		if len(kept.Logs) > 0 {
			out.LogGroups = append(out.LogGroups, &kept)
		}
	}
	h.Set("x-log-rawdatasize", strconv.Itoa(len(a.raw)))
	h.Set("x-log-rawdatacount", strconv.Itoa(a.count))
	h.Set("x-log-rawdatalines", strconv.Itoa(before))
	h.Set("x-log-resultlines", strconv.Itoa(after))
	h.Set("x-log-failedlines", "0")
	a.raw, err = proto.Marshal(&out)
	a.packed, a.count = nil, len(out.LogGroups)
	return err
}
