package receipt

import (
	"encoding/json"
	"sync"
	"time"
)

// Chain finds out whether the receipts of a function are all there and as they
// were kept, from what they say that they follow. It finds each
//
//	altered   whose content does not have the hash of its name
//	missing   that another one, or a verification, names
//	unknown   that none names which should: it was put there later
//	unread    that is no receipt at all
//
// and nothing that happens by itself: receipts that are being saved, runs that
// were killed, clocks that differ, a store that was down, what was pruned or has
// expired.
type Chain struct {
	function string
	span     ChainSpan

	mu    sync.Mutex
	ids   ids
	days  map[int64]*chainDay // by the day on which runs ended
	loose int                 // what was added since it was joined last
	added int                 // receipts
	looks looks
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

// NewChain returns the chain of the receipts of function in a span.
func NewChain(function string, span ChainSpan) *Chain {
	return &Chain{function: function, span: span, days: map[int64]*chainDay{}, looks: newLooks(), list: NewFindingList()}
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
	l := c.link(n, mod)
	f, err := followsOf(n, text)
	if err != nil {
		l.bad = true
		c.find(l, Altered, "its content is not what was kept, whose SHA-256 is in its name")
		f = namesIn(text)
	}
	day := c.day(l.at)
	day.kept = append(day.kept, l)
	c.added++
	if f == nil {
		return !l.bad
	}
	for _, name := range f.Receipts {
		if other, err := ParseName(name); err == nil && other.Ended() {
			named := c.link(other, time.Time{})
			named.until = f.Seen.UnixNano()
			c.name(naming{named, n.At.UTC().Format(stamp) + "-" + n.ID, l.bad})
		}
	}
	if !l.bad && !f.Began.IsZero() && f.Why == "" {
		c.looks.add(l.at, f.Began.UnixNano(), f.Seen.Add(-disorder).UnixNano())
	}
	return !l.bad
}

// unread enters what lies among the receipts or the verifications and is none.
func (c *Chain) unread(key string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list.Find(Unread, key, "%v", err)
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
			c.name(naming{link: c.link(n, time.Time{})})
		}
	}
}
