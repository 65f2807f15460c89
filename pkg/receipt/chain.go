package receipt

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

// Chain finds out whether the receipts of a function are all there and as they
// were kept, from what they say that they follow. It finds each
//
//	altered   whose content does not have the hash of its name
//	missing   that another one, or a verification, names
//	unknown   that none names which should: it was put there later
//
// and nothing that happens by itself: receipts that are being saved, runs that
// were killed, clocks that differ, a store that was down, what was pruned or has
// expired.
type Chain struct {
	function string
	span     ChainSpan

	mu    sync.Mutex
	kept  []link
	names []naming
	looks []look
	list  FindingList
	told  Chained
}

// ChainSpan says of which receipts a [Chain] is.
type ChainSpan struct {
	// Listed is the time from which on all receipts are added; zero means all.
	Listed time.Time
	// From is the time before which runs ended whose receipts are no findings of
	// this span.
	From time.Time
	// Skipped, if set, tells the days, in UTC, whose receipts are not added, and
	// when the last of them was saved, by the store's clock; zero if that is not
	// known. What others name of them is looked for, and nothing else; what may be
	// named there alone is not judged.
	Skipped func(day time.Time) (skipped bool, saved time.Time)
	// Pruned is the time before which receipts were removed on purpose.
	Pruned time.Time
}

// Chained counts receipts by what vouches for them.
type Chained struct {
	// Chained are named by another one, and as they were kept.
	Chained int64 `json:"chained"`
	// Unfollowed are the newest: the next run names them.
	Unfollowed int64 `json:"unfollowed"`
	// Newest are the names of the last of these.
	Newest []string `json:"newest,omitempty"`
	// Unchained have no hash in their names, and nothing vouches for them: they
	// are of runs that are under way or were killed, or of a release before there
	// was a chain.
	Unchained int64 `json:"unchained"`
}

// Add adds what o counts.
func (c *Chained) Add(o Chained) {
	c.Chained += o.Chained
	c.Unfollowed += o.Unfollowed
	c.Unchained += o.Unchained
	c.Newest = append(c.Newest, o.Newest...)
}

// link is a receipt in little room, as there may be a million.
type link struct {
	at    int64 // milliseconds
	id    string
	sum   [shaLen / 2]byte
	mod   int64 // when it was saved, in nanoseconds of the store's clock; 0: unknown
	named bool
	bad   bool  // altered
	until int64 // before that it was saved, as the first says that names it; 0: unknown
}

func newLink(n Name, mod time.Time) link {
	l := link{at: n.At.UnixMilli(), id: strings.Clone(n.ID)}
	_, _ = hex.Decode(l.sum[:], []byte(n.SHA256)) // which was parsed
	if !mod.IsZero() {
		l.mod = mod.UnixNano()
	}
	return l
}

func (l link) name() Name {
	return Name{At: time.UnixMilli(l.at).UTC(), ID: l.id, SHA256: hex.EncodeToString(l.sum[:])}
}

func (l link) compare(o link) int {
	return cmp.Or(cmp.Compare(l.at, o.at), strings.Compare(l.id, o.id), slices.Compare(l.sum[:], o.sum[:]))
}

// naming is that a receipt, or a verification if by is empty, names another.
type naming struct {
	link
	by    string
	doubt bool // the receipt is not what it was
}

// look is what a receipt that is as it was kept says that it has seen.
type look struct {
	at          int64
	began, seen int64
}

// NewChain returns the chain of the receipts of function in a span.
func NewChain(function string, span ChainSpan) *Chain {
	return &Chain{function: function, span: span, list: NewFindingList()}
}

// Add adds the receipt at key, which holds text and was saved at mod. It may be
// called from many goroutines. It tells whether the receipt is as it was kept, as
// far as its name can tell.
func (c *Chain) Add(key string, mod time.Time, text []byte) (intact bool) {
	n, err := NameOf(key)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err != nil || n.Ended() && n.Key(c.function) != key:
		c.list.Find(Unknown, key, "no receipt is kept under such a name: it was put there by somebody else")
		return false
	case !n.Ended():
		c.told.Unchained++
		return true
	}
	l := newLink(n, mod)
	f, err := followsOf(n, text)
	if err != nil {
		l.bad = true
		c.find(l, Altered, "its content is not what was kept, whose SHA-256 is in its name")
		f = namesIn(text)
	}
	c.kept = append(c.kept, l)
	if f == nil {
		return !l.bad
	}
	for _, name := range f.Receipts {
		if other, err := ParseName(name); err == nil && other.Ended() {
			named := newLink(other, time.Time{})
			named.until = f.Seen.UnixNano()
			c.names = append(c.names, naming{named, n.At.UTC().Format(stamp) + "-" + l.id, l.bad})
		}
	}
	if !l.bad && !f.Began.IsZero() && f.Why == "" {
		c.looks = append(c.looks, look{l.at, f.Began.UnixNano(), f.Seen.Add(-disorder).UnixNano()})
	}
	return !l.bad
}

// namesIn returns what a receipt follows that is not what it was; nil if it is
// none any more.
func namesIn(text []byte) *Follows {
	var r struct {
		Follows *Follows `json:"follows"`
	}
	_ = json.Unmarshal(text, &r)
	return r.Follows
}

// Expect adds the receipts that a verification has seen as the newest.
func (c *Chain) Expect(newest []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range newest {
		if n, err := ParseName(name); err == nil && n.Ended() {
			c.names = append(c.names, naming{link: newLink(n, time.Time{})})
		}
	}
}

// find enters a finding about a receipt, if it is of the span.
func (c *Chain) find(l link, kind, format string, args ...any) {
	n := l.name()
	if !n.At.Before(c.span.From) {
		c.list.Find(kind, n.Key(c.function), format, args...)
	}
}

// Check returns what is found of the receipts that were added, and how many are
// vouched for. What seems to be missing is looked for in state once more: it may
// have been saved since it was listed.
func (c *Chain) Check(ctx context.Context, state *bucket.Bucket) (FindingList, Chained, error) {
	lost, err := c.resolve(ctx, state)
	if err != nil {
		return c.list, c.told, err
	}
	expired, err := c.expiredBefore(ctx, state, lost)
	if err != nil {
		return c.list, c.told, err
	}
	for _, n := range lost {
		if at := time.UnixMilli(n.at); at.Before(expired) {
			continue
		}
		if n.by == "" {
			c.find(n.link, Missing, "a verification has seen it, and it is there no more")
		} else {
			c.find(n.link, Missing, "the receipt of %s follows it, and it is not there", n.by)
		}
	}
	c.judge(lost)
	return c.list, c.told, nil
}

// resolve marks what is named, and returns what is named and not there, once
// each. What it finds when it looks again it adds.
func (c *Chain) resolve(ctx context.Context, state *bucket.Bucket) ([]naming, error) {
	for {
		c.order()
		var lost []naming
		for _, n := range c.names {
			if i, there := slices.BinarySearchFunc(c.kept, n.link, link.compare); there {
				if n.by != "" {
					c.kept[i].named, c.kept[i].until = true, first(c.kept[i].until, n.until)
				}
			} else if at := time.UnixMilli(n.at); !n.doubt && !at.Before(c.span.Listed) && !at.Before(c.span.Pruned) {
				lost = append(lost, n)
			}
		}
		lost = once(lost)
		before := len(c.kept)
		var mu sync.Mutex
		elsewhere := map[Name]bool{}
		err := abreast(ctx, lost, func(ctx context.Context, n naming) error {
			key := n.name().Key(c.function)
			if skipped, _ := c.skipped(dayOf(n.at)); skipped {
				there, err := state.Exists(ctx, key)
				if err == nil && there {
					mu.Lock()
					elsewhere[n.name()] = true
					mu.Unlock()
				}
				return err
			}
			text, err := state.ReadAll(ctx, key)
			if bucket.IsNotFound(err) {
				return nil
			}
			if err == nil {
				c.Add(key, time.Time{}, text)
			}
			return err
		})
		if err != nil || len(c.kept) == before {
			return slices.DeleteFunc(lost, func(n naming) bool { return elsewhere[n.name()] }), err
		}
	}
}

// once sorts what is named and leaves one naming of each, of those by receipts
// that by the one which saw it first.
func once(list []naming) []naming {
	slices.SortFunc(list, func(a, b naming) int {
		if (a.by == "") != (b.by == "") {
			return cmp.Or(a.compare(b.link), strings.Compare(b.by, a.by))
		}
		return cmp.Or(a.compare(b.link), cmp.Compare(a.until, b.until))
	})
	return slices.CompactFunc(list, func(a, b naming) bool { return a.compare(b.link) == 0 })
}

// first returns the earlier of two times of which 0 is unknown.
func first(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// order sorts what is kept by name, once each.
func (c *Chain) order() {
	slices.SortFunc(c.kept, link.compare)
	c.kept = slices.CompactFunc(c.kept, func(a, b link) bool { return a.compare(b) == 0 })
}

// A store may remove receipts by itself, once they are very old: not on the
// minute, and not in order.
const (
	expires = 7 * 24 * time.Hour // no sooner than that
	expiry  = 2 * 24 * time.Hour // takes so long, from the oldest that is kept
)

// expiredBefore returns the time before which a store may have removed those of
// lost, if any is as old as that.
func (c *Chain) expiredBefore(ctx context.Context, state *bucket.Bucket, lost []naming) (time.Time, error) {
	young := time.Now().Add(-expires)
	if len(lost) == 0 || time.UnixMilli(lost[0].at).After(young) {
		return time.Time{}, nil
	}
	oldest, err := oldestName(ctx, state, c.function)
	if errors.Is(err, errNone) {
		return time.Time{}, nil
	}
	return minTime(young, oldest.At.Add(expiry)), err
}

// judge finds what no other receipt names, though one has looked that was saved
// later, and counts the rest.
func (c *Chain) judge(lost []naming) {
	looks := c.looksByDay()
	for i := range c.kept {
		if c.kept[i].bad {
			lost = append(lost, naming{link: c.kept[i]})
		}
	}
	blind := c.blind(lost)
	var newest []link
	for _, l := range c.kept {
		switch at := time.UnixMilli(l.at); {
		case l.bad:
		case l.named:
			c.told.Chained++
		case !c.judged(l, looks) || at.Before(c.span.Pruned):
			c.told.Unfollowed++
			newest = append(newest, l)
		case slices.ContainsFunc(blind, func(b window) bool { return b.has(l) }):
		default:
			c.find(l, Unknown, "no receipt follows it, though some were kept after it was saved: it was put there later")
		}
	}
	slices.SortFunc(newest, func(a, b link) int { return cmp.Or(cmp.Compare(a.mod, b.mod), a.compare(b)) })
	for _, l := range newest[max(0, len(newest)-mostNamed):] {
		c.told.Newest = append(c.told.Newest, l.name().String())
	}
}

// dayOf is the number of the day of a time in milliseconds.
func dayOf(at int64) int64 { return at / (24 * time.Hour).Milliseconds() }

func (c *Chain) skipped(day int64) (bool, time.Time) {
	if c.span.Skipped == nil {
		return false, time.Time{}
	}
	return c.span.Skipped(time.UnixMilli(day * (24 * time.Hour).Milliseconds()).UTC())
}

// looksByDay returns up to when receipts of a day have seen, by when the chain
// began.
func (c *Chain) looksByDay() map[int64]map[int64]int64 {
	days := map[int64]map[int64]int64{}
	for _, l := range c.looks {
		day := dayOf(l.at)
		if days[day] == nil {
			days[day] = map[int64]int64{}
		}
		days[day][l.began] = max(days[day][l.began], l.seen)
	}
	return days
}

// judged tells whether somebody would have named l who was added: there is one who
// has seen what was saved up to then, and none before whom was left out and may
// have named it, being saved later than it.
func (c *Chain) judged(l link, looks map[int64]map[int64]int64) bool {
	if l.mod == 0 {
		return false
	}
	last := dayOf(l.at)
	for day := range looks {
		last = max(last, day)
	}
	for day := dayOf(l.at - skew.Milliseconds()); day <= last; day++ {
		if skipped, saved := c.skipped(day); skipped && (saved.IsZero() || saved.UnixNano() >= l.mod) {
			return false
		}
		for began, until := range looks[day] {
			if began <= l.mod && l.mod <= until {
				return true
			}
		}
	}
	return false
}

// window is when what was saved that a receipt which is lost may have named, and
// nobody else.
type window struct{ since, until int64 }

func (w window) has(l link) bool { return l.mod >= w.since && (w.until == 0 || l.mod <= w.until) }

// blind returns the windows of what is lost: from the last look of a receipt that
// is certainly older until it was seen itself.
func (c *Chain) blind(lost []naming) (list []window) {
	for _, n := range lost {
		w := window{until: n.until}
		for _, l := range c.looks {
			if l.at < n.at-skew.Milliseconds() {
				w.since = max(w.since, l.seen)
			}
		}
		list = append(list, w)
	}
	return list
}

// errNone says that there is no receipt.
var errNone = errors.New("no receipt is kept")

// oldestName returns the name of the receipt that comes first.
func oldestName(ctx context.Context, state *bucket.Bucket, function string) (Name, error) {
	for o, err := range state.Objects(ctx, folder(function)) {
		if err != nil {
			return Name{}, err
		}
		if n, err := NameOf(o.Key); err == nil {
			return n, nil
		}
	}
	return Name{}, fmt.Errorf("%s: %w", folder(function), errNone)
}
