package receipt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// MaxRecord is the most bytes of JSON that [Record] returns. With what a log
// record has besides it stays below 64 KiB: log services cut or refuse more, some
// from 256 KiB on (Cloud Logging, CloudWatch), some far earlier.
const MaxRecord = 62 << 10

// Record returns r as JSON for a log record, cut to [MaxRecord]. Numbers are all
// there. Where it has to be cut, the innermost lists lose most and then the outer
// ones; of a list remains what needs attention first, then what comes first, and
// beside it stands, as <name>_left_out, how many there were besides. Long strings
// end in how many bytes are left out. The whole receipt is in STATE_URL. The same
// receipt gives the same record.
func Record(r Receipt) json.RawMessage { return record(r, essence) }

// record is v as [Record] cuts it; what cannot be cut to size is left to
// essence.
func record(v any, essence func(whole []byte) ([]byte, error)) json.RawMessage {
	whole, err := json.Marshal(v)
	if err == nil && len(whole) > MaxRecord {
		whole, err = cut(whole, MaxRecord, essence)
	}
	if err != nil { // what cannot be encoded is a programming error
		return json.RawMessage(`{"error":"record not encodable"}`)
	}
	return whole
}

const (
	// tableSize is from how many members on an object counts as a table, such as
	// the counts by field name, which is cut like a list. Smaller ones are records.
	tableSize = 65
	// maxItems is how many items of a list are looked at: more would not fit.
	maxItems = 500
	// maxName is the longest name of an item in a table.
	maxName = 200
)

// node is a JSON value: a scalar, a record, or a list or table with its items
// in the order in which they are worth keeping.
type node struct {
	scalar []byte // nil in the others
	list   bool   // items have no names
	table  bool   // items may be left out
	items  []item
	total  int // of items, also those that are not in items
}

type item struct {
	name  string
	value node
}

// limits say what may remain.
type limits struct {
	text  int // bytes of a string of the receipt itself
	item  int // bytes of a string inside a list
	depth int // lists inside this many others keep keep items, outer ones all, inner ones none
	keep  int
}

func cut(whole []byte, most int, essence func([]byte) ([]byte, error)) ([]byte, error) {
	root, depth, err := parse(whole, 0)
	if err != nil {
		return nil, err
	}
	if root.table { // no receipt of ours
		return essence(whole)
	}
	for _, l := range []limits{{text: 8 << 10, item: 1 << 10}, {text: 2 << 10, item: 256}, {text: 256, item: 64}} {
		for l.depth = depth; l.depth >= 1; l.depth-- {
			if l.keep = 0; !fits(root, l, most) {
				continue
			}
			// The most that fits is between keep and over.
			for over := maxItems + 1; over-l.keep > 1; {
				try := l
				if try.keep = (l.keep + over) / 2; fits(root, try, most) {
					l.keep = try.keep
				} else {
					over = try.keep
				}
			}
			w := &writer{limits: l, most: most}
			w.value(root, 0)
			return w.out.Bytes(), nil
		}
	}
	return essence(whole)
}

// essence is what remains of a receipt that cannot be cut to size: the part that
// all receipts share, without its texts.
func essence(whole []byte) ([]byte, error) {
	var c Core
	if err := json.Unmarshal(whole, &c); err != nil {
		return nil, err
	}
	c.Function, c.Version, c.Run, c.Status = short(c.Function), short(c.Version), short(c.Run), Status(short(string(c.Status)))
	c.Error, c.Trouble, c.Remaining, c.Lags = short(c.Error), short(c.Trouble), nil, nil
	return json.Marshal(&c)
}

func short(s string) string { return shorten(s, 256) }

// parse reads a value that is inside so many lists, and returns how many lists
// are at most inside each other down to its innermost.
func parse(raw []byte, inside int) (n node, depth int, err error) {
	raw = bytes.TrimSpace(raw)
	if raw[0] != '{' && raw[0] != '[' {
		return node{scalar: raw}, inside, nil
	}
	type rawItem struct {
		name string
		raw  json.RawMessage
		rank int
	}
	n.list = raw[0] == '['
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil {
		return n, 0, err
	}
	var all []rawItem
	for d.More() {
		var it rawItem
		if !n.list {
			name, err := d.Token()
			if err != nil {
				return n, 0, err
			}
			it.name = fmt.Sprint(name)
		}
		if err := d.Decode(&it.raw); err != nil {
			return n, 0, err
		}
		it.rank = attention(it.raw)
		all = append(all, it)
	}
	n.total = len(all)
	n.table = n.list || len(all) >= tableSize
	if n.table {
		inside++
		slices.SortStableFunc(all, func(a, b rawItem) int { return b.rank - a.rank })
		all = slices.DeleteFunc(all, func(it rawItem) bool { return len(it.name) > maxName })
		all = all[:min(len(all), maxItems)]
	}
	depth = inside
	for _, it := range all {
		v, below, err := parse(it.raw, inside)
		if err != nil {
			return n, 0, err
		}
		depth = max(depth, below)
		n.items = append(n.items, item{it.name, v})
	}
	return n, depth, nil
}

// attention ranks an item of a list by what it tells of itself: an error first,
// then anything else that is not as it should be.
func attention(raw []byte) int {
	var told struct {
		Status    string          `json:"status"`
		Error     string          `json:"error"`
		Trouble   string          `json:"trouble"`
		Code      string          `json:"code"`
		Remaining json.RawMessage `json:"remaining"`
		Lost      bool            `json:"lost"`
	}
	if raw[0] != '{' || json.Unmarshal(raw, &told) != nil {
		return 0
	}
	switch {
	case told.Error != "" || told.Status == string(Failed):
		return 2
	case told.Trouble+told.Code != "" || len(told.Remaining) > 0 || told.Lost:
		return 1
	}
	return 0
}

func fits(n node, l limits, most int) bool {
	w := &writer{limits: l, most: most}
	w.value(n, 0)
	return !w.full()
}

// writer writes a node within limits. It stops writing once it is full.
type writer struct {
	limits
	most int
	out  bytes.Buffer
}

func (w *writer) full() bool { return w.out.Len() > w.most }

// keeps is how many items of a list inside so many others, itself included,
// remain.
func (w *writer) keeps(n node, inside int) int {
	switch {
	case inside < w.depth:
		return len(n.items)
	case inside == w.depth:
		return min(w.keep, len(n.items))
	}
	return 0
}

func (w *writer) value(n node, inside int) {
	switch {
	case n.scalar != nil:
		w.scalar(n.scalar, inside)
		return
	case n.table:
		inside++
		n.items = n.items[:w.keeps(n, inside)]
	}
	brackets := "{}"
	if n.list {
		brackets = "[]"
	}
	w.out.WriteByte(brackets[0])
	first := true
	next := func(name string) {
		if !first {
			w.out.WriteByte(',')
		}
		first = false
		if !n.list {
			w.out.Write(quote(name))
			w.out.WriteByte(':')
		}
	}
	for _, it := range n.items {
		if w.full() {
			return
		}
		next(it.name)
		w.value(it.value, inside)
		if left := w.left(it.value, inside); left > 0 && !n.list {
			next(it.name + "_left_out")
			fmt.Fprint(&w.out, left)
		}
	}
	w.out.WriteByte(brackets[1])
}

// left is how many items of a list, inside so many others, do not remain.
func (w *writer) left(n node, inside int) int {
	if !n.table {
		return 0
	}
	return n.total - w.keeps(n, inside+1)
}

func (w *writer) scalar(raw []byte, inside int) {
	most := w.text
	if inside > 0 {
		most = w.item
	}
	var text string
	if raw[0] != '"' || len(raw) <= most || json.Unmarshal(raw, &text) != nil {
		w.out.Write(raw)
		return
	}
	w.out.Write(quote(shorten(text, most)))
}

// shorten cuts s to most bytes, which as JSON may be more, and says how many are
// left out.
func shorten(s string, most int) string {
	if len(s) <= most {
		return s
	}
	end := most
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return fmt.Sprintf("%s… (%d bytes left out)", strings.ToValidUTF8(s[:end], "\uFFFD"), len(s)-end)
}

func quote(s string) []byte {
	b, err := json.Marshal(s)
	if err != nil { // no string is unencodable
		return []byte(`""`)
	}
	return b
}
