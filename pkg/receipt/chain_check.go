package receipt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

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
