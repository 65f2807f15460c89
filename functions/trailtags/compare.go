package trailtags

import (
	"hash/maphash"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/siemfeed/siemfeed/pkg/actiontrail"
	"github.com/siemfeed/siemfeed/pkg/alitags"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// expected is a row that should be in the target.
type expected struct {
	shard   int // position in the list of shards
	times   int // that it should be there; events may be there twice
	found   int // as it should be
	altered int
	// received is when the source had the event, or one soon after it.
	received time.Time
	holds    []uint64 // what it may hold, see [contents.sum]
	// own tells that the type is one that versions may name differently, see
	// [typeOf]: it is not compared.
	own bool
	// instead is the row that versions made of the event to which it named no
	// resource; nil for most.
	instead *expected
}

// is tells whether a row with such contents is as it should be.
func (e *expected) is(c *contents) bool {
	return c.status != nil && slices.Contains(e.holds, c.sum(e.own))
}

// add expects the row once more, with such contents.
func (e *expected) add(c *contents, received time.Time) {
	e.times++
	e.received = received
	e.holds = append(e.holds, c.sum(e.own))
}

// expectRows expects the rows of an event.
func (p *pass) expectRows(shard int, e *actiontrail.Event, received time.Time) {
	id := string(e.Get(actiontrail.ID))
	c := contents{count: []byte("0")}
	for i, column := range columns {
		c.columns[i] = e.Get(column.field)
	}
	if len(e.Resources) == 0 {
		p.row(shard, id, 0).add(&c, received)
		return
	}
	var instead *expected
	if e.Resources[0].Own {
		instead = p.row(shard, id, 0)
		instead.holds = append(instead.holds, c.sum(false))
	}
	c.count = strconv.AppendInt(nil, int64(len(e.Resources)), 10)
	for i, r := range e.Resources {
		c.kind, c.name = r.Type, r.Name
		row := p.row(shard, id, i+1)
		row.instead, row.own = instead, r.Own
		row.add(&c, received)
	}
}

// row finds an expected row, or makes it.
func (p *pass) row(shard int, id string, index int) *expected {
	key := rowKey(id, strconv.Itoa(index))
	e := p.rows[key]
	if e == nil {
		e = &expected{shard: shard}
		p.rows[key] = e
	}
	return e
}

// contents are the fields of a row, nil where it has none.
type contents struct {
	columns                          [len(columns)][]byte
	kind, name, count, index, status []byte
	tags                             int // fields besides

	buf []byte
}

// id is the event's.
func (c *contents) id() []byte { return c.columns[columnOf["eventId"]] }

// read takes the fields of a row that was written.
func (c *contents) read(fields []sls.Field) {
	*c = contents{buf: c.buf}
	for _, f := range fields {
		switch string(f.Key) {
		case resourceType:
			c.kind = f.Value
		case resourceName:
			c.name = f.Value
		case resourceCount:
			c.count = f.Value
		case resourceIndex:
			c.index = f.Value
		case tagStatus:
			c.status = f.Value
		default:
			if i, ok := columnOf[string(f.Key)]; ok {
				c.columns[i] = f.Value
			} else {
				c.tags++
			}
		}
	}
}

// columnOf is where a field stands among the columns.
var columnOf = func() map[string]int {
	m := map[string]int{}
	for i, c := range columns {
		m[c.name] = i
	}
	return m
}()

var seed = maphash.MakeSeed()

// sum is the same for rows in which what their event decides is the same, the
// type aside where own is set.
func (c *contents) sum(own bool) uint64 {
	c.buf = c.buf[:0]
	for i, value := range c.columns {
		c.buf = sls.AppendContent(c.buf, columns[i].name, value)
	}
	if !own {
		c.buf = sls.AppendContent(c.buf, resourceType, c.kind)
	}
	c.buf = sls.AppendContent(c.buf, resourceName, c.name)
	c.buf = sls.AppendContent(c.buf, resourceCount, c.count)
	return maphash.Bytes(seed, c.buf)
}

// tagged tells whether a row of the status was given tags.
func tagged(status []byte) bool {
	return string(status) == string(alitags.Found) || string(status) == string(alitags.Stale)
}

// mayClash tells whether a tag can be named like a field, and be left out.
func (f *Function) mayClash() bool {
	for field := range taken {
		if strings.HasPrefix(field, f.cfg.TagPrefix) {
			return true
		}
	}
	return false
}
