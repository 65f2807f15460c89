package receipt

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"time"
)

// What a chain holds of a receipt is bounded, as there may be a million: 16 bytes
// of one that another names, and as many of what it has seen. The rest is needed
// of those alone of which it is not known yet who names them.

// shortID is [Name.ID] in as many bytes as [newID] gives it. Of one of another
// length these are a hash, and ids has it in full.
type shortID struct {
	text   [idLen]byte
	hashed bool
}

// ids has those that a shortID has no room for.
type ids map[shortID]string

func (all *ids) short(id string) (s shortID) {
	if len(id) == idLen {
		copy(s.text[:], id)
		return s
	}
	sum := sha256.Sum256([]byte(id))
	copy(s.text[:], sum[:])
	s.hashed = true
	if *all == nil {
		*all = ids{}
	}
	(*all)[s] = id
	return s
}

func (all ids) long(s shortID) string {
	if s.hashed {
		return all[s]
	}
	return string(s.text[:])
}

// link is a receipt.
type link struct {
	at    int64 // milliseconds
	mod   int64 // when it was saved, in nanoseconds of the store's clock; 0: unknown
	until int64 // before that it was saved, as the first says that names it; 0: unknown
	sum   [shaLen / 2]byte
	id    shortID
	named bool
	bad   bool // altered
}

func (c *Chain) link(n Name, mod time.Time) link {
	l := link{at: n.At.UnixMilli(), id: c.ids.short(n.ID)}
	_, _ = hex.Decode(l.sum[:], []byte(n.SHA256)) // which was parsed
	if !mod.IsZero() {
		l.mod = mod.UnixNano()
	}
	return l
}

func (c *Chain) nameOf(l link) Name {
	return Name{At: time.UnixMilli(l.at).UTC(), ID: c.ids.long(l.id), SHA256: hex.EncodeToString(l.sum[:])}
}

func (l link) compare(o link) int {
	return cmp.Or(cmp.Compare(l.at, o.at), slices.Compare(l.id.text[:], o.id.text[:]), slices.Compare(l.sum[:], o.sum[:]))
}

// ident is what a receipt is told from others by that are vouched for.
type ident [16]byte

func (l link) ident() ident {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 64), uint64(l.at)) //nolint:gosec // its bits
	sum := sha256.Sum256(append(append(b, l.id.text[:]...), l.sum[:]...))
	return ident(sum[:len(ident{})])
}

func (i ident) compare(o ident) int { return slices.Compare(i[:], o[:]) }

// naming is that a receipt, or a verification if by is empty, names another.
type naming struct {
	link
	by    string
	doubt bool // the receipt is not what it was
}

// chainDay is what is known of the receipts of a day. Once it is joined, each of
// kept and names is there once for each receipt at most that nobody vouches for,
// or that is not there.
type chainDay struct {
	kept    []link
	names   []naming
	vouched []ident // of those that were kept, and are named; sorted
	loose   bool    // it is not joined
}

// joinAt is how much is added before it is joined.
const joinAt = 1 << 13

// day returns the day of a time in milliseconds, to add something to.
func (c *Chain) day(at int64) *chainDay {
	if c.loose++; c.loose > joinAt {
		c.join()
	}
	d := c.days[dayOf(at)]
	if d == nil {
		d = &chainDay{}
		c.days[dayOf(at)] = d
	}
	d.loose = true
	return d
}

func (c *Chain) name(n naming) {
	d := c.day(n.at)
	d.names = append(d.names, n)
}

// join finds out who is named of those that were added, and lets go of what is
// not needed any more.
func (c *Chain) join() {
	for _, d := range c.days {
		if d.loose {
			d.join()
		}
	}
	c.looks.join()
	c.loose = 0
}

func (d *chainDay) join() {
	slices.SortFunc(d.kept, link.compare)
	d.kept = slices.CompactFunc(d.kept, func(a, b link) bool { return a.compare(b) == 0 })
	d.kept = slices.DeleteFunc(d.kept, d.vouches) // added once more
	d.names = slices.DeleteFunc(d.names, func(n naming) bool {
		i, there := slices.BinarySearchFunc(d.kept, n.link, link.compare)
		if there && n.by != "" {
			d.kept[i].named, d.kept[i].until = true, first(d.kept[i].until, n.until)
		}
		return there || d.vouches(n.link)
	})
	var vouched []ident
	d.kept = slices.DeleteFunc(d.kept, func(l link) bool {
		if !l.named || l.bad {
			return false
		}
		vouched = append(vouched, l.ident())
		return true
	})
	d.vouched = merged(d.vouched, vouched)
	d.kept, d.names = slices.Clone(d.kept), slices.Clone(d.names) // without room for more
	d.loose = false
}

// vouches tells whether l is there, and named.
func (d *chainDay) vouches(l link) bool {
	_, there := slices.BinarySearchFunc(d.vouched, l.ident(), ident.compare)
	return there
}

// merged returns what is in a, which is sorted, and b.
func merged(a, b []ident) []ident {
	slices.SortFunc(b, ident.compare)
	all := make([]ident, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		from := &a
		if b[0].compare(a[0]) < 0 {
			from = &b
		}
		all, *from = append(all, (*from)[0]), (*from)[1:]
	}
	return append(append(all, a...), b...)
}

// looks is what receipts that are as they were kept say that they have seen.
type looks struct {
	// days has, of the receipts of a day, up to when they have seen, by when the
	// chain began; last is the last of the days.
	days map[int64]map[int64]int64
	last int64
	// steps has when one saw more than any that ended before it, in order up to
	// joined.
	steps  []step
	joined int
}

// step is that a receipt of a time has seen what was saved up to another.
type step struct{ at, seen int64 }

func newLooks() looks { return looks{days: map[int64]map[int64]int64{}} }

// add adds one of a receipt that ended at at.
func (l *looks) add(at, began, seen int64) {
	day := dayOf(at)
	if l.days[day] == nil {
		l.days[day] = map[int64]int64{}
	}
	l.days[day][began] = max(l.days[day][began], seen)
	l.last = max(l.last, day)
	l.steps = append(l.steps, step{at, seen})
}

func (l *looks) join() {
	older, some := l.steps[:l.joined], l.steps[l.joined:]
	order := func(a, b step) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(b.seen, a.seen)) }
	slices.SortFunc(some, order)
	if len(some) == 0 {
		return
	}
	// They come in nearly the order in which runs ended.
	from, _ := slices.BinarySearchFunc(older, some[0], order)
	slices.SortFunc(l.steps[from:], order)
	most := int64(0)
	if from > 0 {
		most = l.steps[from-1].seen
	}
	more := slices.DeleteFunc(l.steps[from:], func(s step) bool {
		seen := s.seen <= most
		most = max(most, s.seen)
		return seen
	})
	l.steps = l.steps[:from+len(more)]
	l.joined = len(l.steps)
}

// before returns up to when has seen who ended before t, 0 if there is none.
func (l *looks) before(t int64) int64 {
	i, _ := slices.BinarySearchFunc(l.steps, t, func(s step, t int64) int { return cmp.Compare(s.at, t) })
	if i == 0 {
		return 0
	}
	return l.steps[i-1].seen
}
