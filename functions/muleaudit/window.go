package muleaudit

import (
	"slices"
	"time"
)

// interval is the time from From on and before To, as it also lies in STATE_URL.
type interval struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

func (i interval) empty() bool { return !i.From.Before(i.To) }

// within is what i and other have in common.
func (i interval) within(other interval) interval {
	return interval{latest(i.From, other.From), earliest(i.To, other.To)}
}

// union adds i to a set of intervals that are in order and apart.
func union(set []interval, i interval) []interval {
	if i.empty() {
		return set
	}
	out := make([]interval, 0, len(set)+1)
	for _, old := range set {
		if old.To.Before(i.From) || old.From.After(i.To) {
			out = append(out, old)
		} else {
			i = interval{earliest(old.From, i.From), latest(old.To, i.To)}
		}
	}
	out = append(out, i)
	slices.SortFunc(out, func(a, b interval) int { return a.From.Compare(b.From) })
	return out
}

// gaps is what of the window the set, which is in order and apart, leaves.
func gaps(set []interval, window interval) []interval {
	var out []interval
	for _, done := range set {
		if gap := (interval{window.From, earliest(done.From, window.To)}); !gap.empty() {
			out = append(out, gap)
		}
		window.From = latest(window.From, done.To)
	}
	if !window.empty() {
		out = append(out, window)
	}
	return out
}

// window is the new time of a scheduled run: from the watermark up to the settle
// time before now. Where there is no watermark it is from the lookback before now,
// or from where an earlier run began that got nowhere. It ends with a whole
// second, since that is the end at which the API's total counts nothing else: see
// anypoint.Query.
func (f *Function) window(now, watermark, since time.Time) interval {
	to := now.Add(-f.cfg.Settle).Truncate(time.Second)
	if watermark.IsZero() {
		from := now.Add(-f.cfg.Lookback).Truncate(f.cfg.Slice)
		if !since.IsZero() {
			from = earliest(from, since)
		}
		return interval{from, to}
	}
	// A longer settle time than before must not move the window back.
	return interval{watermark, latest(to, watermark)}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// covered is how much time intervals that do not meet make.
func covered(list []interval) (d time.Duration) {
	for _, i := range list {
		d += i.To.Sub(i.From)
	}
	return d
}
