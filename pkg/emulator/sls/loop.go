package sls

import (
	"fmt"
	"time"

	sdk "github.com/aliyun/aliyun-log-go-sdk"
	"github.com/gogo/protobuf/proto"
)

// loop serves the same few groups over and over: a backlog of any size that
// takes the memory of one answer.
type loop struct {
	*block
	start int64 // number of the first group
	total int64
}

// block is the groups of a loop, compressed once.
type block struct {
	received int64
	groups   []group
	raw      []byte
	ends     []int // of each group in raw
	packed   map[string][]byte
}

// Loop makes each of the shards hold the given groups again and again, times
// times. An answer to a pull never reaches beyond the last of the groups.
func (l *Logstore) Loop(times int64, groups [][]byte, shards ...int) {
	b := newBlock(groups)
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range shards {
		s := l.must(id)
		s.loop = &loop{block: b, start: s.first, total: times * int64(len(groups))}
	}
}

func newBlock(groups [][]byte) *block {
	b := &block{received: time.Now().Unix(), packed: map[string][]byte{}}
	for _, raw := range groups {
		var g sdk.LogGroup
		if err := proto.Unmarshal(raw, &g); err != nil {
			panic(fmt.Sprintf("sls emulator: %v", err))
		}
		b.raw = appendGroup(b.raw, raw)
		b.ends = append(b.ends, len(b.raw))
		b.groups = append(b.groups, group{raw, len(g.Logs), b.received})
	}
	for _, kind := range []string{"lz4", "zstd"} {
		packed, err := pack(kind, b.raw)
		if err != nil {
			panic(fmt.Sprintf("sls emulator: %v", err))
		}
		b.packed[kind] = packed
	}
	return b
}

func (p *loop) fill(a *answer, stop int64, count int, kind string) {
	i := int((a.next - p.start) % int64(len(p.groups)))
	n := int(max(0, min(int64(count), int64(len(p.groups)-i), stop-a.next)))
	if n == 0 {
		return
	}
	from := 0
	if i > 0 {
		from = p.ends[i-1]
	}
	a.raw = p.raw[from:p.ends[i+n-1]]
	a.count = n
	a.next += int64(n)
	a.received = p.received
	if n == len(p.groups) {
		a.packed = p.packed[kind]
	}
}
