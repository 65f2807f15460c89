package slshec

import (
	"errors"
	"strconv"

	"github.com/siemfeed/siemfeed/pkg/hec"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// mapper writes logs as HEC events. All that logs have in common is rendered
// once: for the function (what of the route no group changes, and names) and for
// a group (head and tail); a log adds its time, its contents and its index. It
// belongs to one goroutine at a time and allocates nothing per log.
//
//	{"time":1700000000.123456789,"host":"h","source":"s",…,"event":{
//	 └ log                       └ head: the route
//	"key":"value",…,"__topic__":"t","__tag__:k":"v"},"fields":{…,"sls_id":"3:17:0"}}
//	└ log           └ tail                                                      └ log
type mapper struct {
	route route
	names []byte // sls_project, sls_logstore, what HEC_FIELDS adds, and the beginning of sls_shard

	head, tail []byte
	group      *sls.Group
	rename     renamer
	shapes     shapes
	json       jsonKeys

	// hints say where the log written last reads like earlier ones, if anyone
	// is to be told: its head, its keys (see shape), its tail and its end.
	hinting               bool
	hints                 []hec.Hint
	headAt, tailAt, endAt uint32 // where in the batch they were written last

	invalid int // bytes that were not UTF-8 and became U+FFFD
	notJSON int // values that were to be JSON and stayed strings
}

func newMapper(c *Config) mapper {
	m := mapper{route: newRoute(c), json: newJSONKeys(c.JSONKeys), hinting: c.Gzip}
	m.names = append(m.names, `},"fields":{"sls_project":`...)
	m.names, _ = hec.AppendString(m.names, c.Project)
	m.names = append(m.names, `,"sls_logstore":`...)
	m.names, _ = hec.AppendString(m.names, c.Logstore)
	fields, faults := indexedFields(c.Fields)
	if faults != nil { // Validate has refused them
		panic(errors.Join(faults...))
	}
	for _, f := range fields {
		m.names = append(m.names, ',')
		m.names, _ = hec.AppendString(m.names, f.name)
		m.names = append(m.names, ':')
		m.names, _ = hec.AppendString(m.names, f.value)
	}
	m.names = append(m.names, `,"sls_shard":"`...)
	return m
}

// begin renders what the logs of g have in common. g stays in use until the
// last of them is written.
func (m *mapper) begin(shard int, g *sls.Group) {
	m.group = g
	var invalid int
	m.head, invalid = m.route.append(m.head[:0], g)
	m.invalid += invalid
	m.head = append(m.head, `,"event":{`...)

	m.tail = append(m.tail[:0], `"__topic__":`...)
	m.tail = m.text(m.tail, g.Topic)
	if len(g.Tags) > 0 {
		m.tail = m.tags(m.tail, g.Tags)
	}
	m.tail = append(m.tail, m.names...)
	m.tail = strconv.AppendInt(m.tail, int64(shard), 10)
	m.tail = append(m.tail, `","sls_id":"`...)
	m.tail = strconv.AppendInt(m.tail, int64(shard), 10)
	m.tail = append(m.tail, ':')
	m.tail = strconv.AppendInt(m.tail, g.Cursor, 10)
	m.tail = append(m.tail, ':')
}

// append writes one log of the group as an event, and sets m.hints.
func (m *mapper) append(dst []byte, l *sls.Log) []byte {
	m.hints = m.hints[:0]
	dst = append(dst, `{"time":`...)
	dst = hec.AppendTime(dst, l.Time, l.TimeNs, l.HasNs)
	m.again(dst, &m.headAt)
	dst = append(dst, m.head...)
	if names := m.shapes.of(l.Contents, m.json); names != nil {
		for i := range l.Contents {
			end := &names.ends[i]
			m.again(dst, &end.at)
			dst = append(dst, names.text(i)...)
			if end.value != asString {
				dst = m.embedded(dst, l.Contents[i].Value, end.value)
				continue
			}
			var invalid int
			dst, invalid = hec.AppendString(dst, l.Contents[i].Value)
			m.invalid += invalid
		}
		if len(l.Contents) > 0 {
			dst = append(dst, ',')
		}
	} else {
		dst = m.renamed(dst, l.Contents)
	}
	m.again(dst, &m.tailAt)
	dst = append(dst, m.tail...)
	dst = strconv.AppendInt(dst, int64(l.Index), 10)
	m.again(dst, &m.endAt)
	return append(dst, `"}}`...)
}

// again says that what is written next most likely reads like what was written
// at at. That may have been in another batch: a wrong hint does no harm, and to
// know that it is wrong costs as much.
func (m *mapper) again(dst []byte, at *uint32) {
	if !m.hinting {
		return
	}
	n := uint32(len(dst)) //nolint:gosec // a batch is no larger, and if it were see above
	m.hints = append(m.hints, hec.Hint{At: n, From: *at})
	*at = n
}

func (m *mapper) text(dst, s []byte) []byte {
	dst, invalid := hec.AppendString(dst, s)
	m.invalid += invalid
	return dst
}
