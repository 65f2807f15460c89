package receipt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

// find enters a finding about a receipt, if it is of the span.
func (c *Chain) find(l link, kind, format string, args ...any) {
	n := c.nameOf(l)
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
		c.join()
		var lost []naming
		for _, day := range c.days {
			for _, n := range day.names {
				if at := time.UnixMilli(n.at); !n.doubt && !at.Before(c.span.Listed) && !at.Before(c.span.Pruned) {
					lost = append(lost, n)
				}
			}
		}
		lost = once(lost)
		before := c.added
		var mu sync.Mutex
		elsewhere := map[Name]bool{}
		err := abreast(ctx, lost, func(ctx context.Context, n naming) error {
			name := c.nameOf(n.link)
			key := name.Key(c.function)
			if skipped, _ := c.skipped(dayOf(n.at)); skipped {
				there, err := state.Exists(ctx, key)
				if err == nil && there {
					mu.Lock()
					elsewhere[name] = true
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
		if err != nil || c.added == before {
			return slices.DeleteFunc(lost, func(n naming) bool { return elsewhere[c.nameOf(n.link)] }), err
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
	days := slices.Sorted(maps.Keys(c.days))
	for _, day := range days {
		for _, l := range c.days[day].kept {
			if l.bad {
				lost = append(lost, naming{link: l})
			}
		}
	}
	blind := c.blind(lost)
	var newest []link
	for _, day := range days {
		c.told.Chained += int64(len(c.days[day].vouched))
		for _, l := range c.days[day].kept {
			switch at := time.UnixMilli(l.at); {
			case l.bad:
			case !c.judged(l) || at.Before(c.span.Pruned):
				c.told.Unfollowed++
				if newest = append(newest, l); len(newest) > 10*mostNamed {
					newest = lastSaved(newest)
				}
			case slices.ContainsFunc(blind, func(b window) bool { return b.has(l) }):
			default:
				c.find(l, Unknown, "no receipt follows it, though some were kept after it was saved: it was put there later")
			}
		}
	}
	for _, l := range lastSaved(newest) {
		c.told.Newest = append(c.told.Newest, c.nameOf(l).String())
	}
}

// lastSaved returns those of list that were saved last, in that order, no more of
// them than one receipt names.
func lastSaved(list []link) []link {
	slices.SortFunc(list, func(a, b link) int { return cmp.Or(cmp.Compare(a.mod, b.mod), a.compare(b)) })
	return slices.Clone(list[max(0, len(list)-mostNamed):])
}

// dayOf is the number of the day of a time in milliseconds.
func dayOf(at int64) int64 { return at / (24 * time.Hour).Milliseconds() }

func (c *Chain) skipped(day int64) (bool, time.Time) {
	if c.span.Skipped == nil {
		return false, time.Time{}
	}
	return c.span.Skipped(time.UnixMilli(day * (24 * time.Hour).Milliseconds()).UTC())
}

// judged tells whether somebody would have named l who was added: there is one who
// has seen what was saved up to then, and none before whom was left out and may
// have named it, being saved later than it.
func (c *Chain) judged(l link) bool {
	if l.mod == 0 {
		return false
	}
	for day := dayOf(l.at - skew.Milliseconds()); day <= max(dayOf(l.at), c.looks.last); day++ {
		if skipped, saved := c.skipped(day); skipped && (saved.IsZero() || saved.UnixNano() >= l.mod) {
			return false
		}
		for began, until := range c.looks.days[day] {
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
		list = append(list, window{c.looks.before(n.at - skew.Milliseconds()), n.until})
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
