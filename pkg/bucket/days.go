package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"gocloud.dev/blob"
)

// mostDays is how many folders are listed one by one before it is cheaper to
// list them all and pass by what was not asked for.
const mostDays = 400

// Days lists the objects in folders by day, <folder>YYYY/MM/DD/…, of the days
// from from to to, both included, in byte order of their keys. A zero time is
// no bound.
func (b *Bucket) Days(ctx context.Context, folder string, from, to time.Time) iter.Seq2[*blob.ListObject, error] {
	day := func(t time.Time) string { return folder + t.UTC().Format("2006/01/02/") }
	end := to
	if end.IsZero() {
		end = time.Now().AddDate(0, 0, 1) // a clock may be ahead
	}
	return func(yield func(*blob.ListObject, error) bool) {
		if from.IsZero() || end.Sub(from) > mostDays*24*time.Hour {
			for o, err := range b.Objects(ctx, folder) {
				if err == nil && !to.IsZero() && o.Key >= day(to.AddDate(0, 0, 1)) {
					return // they come in order
				}
				if err == nil && !from.IsZero() && o.Key < day(from) {
					continue
				}
				if !yield(o, err) || err != nil {
					return
				}
			}
			return
		}
		last := day(end)
		for t := from.UTC().Truncate(24 * time.Hour); day(t) <= last; t = t.AddDate(0, 0, 1) {
			for o, err := range b.Objects(ctx, day(t)) {
				if !yield(o, err) || err != nil {
					return
				}
			}
		}
	}
}

// Since lists the objects in folders by day, <folder>YYYY/MM/DD/<name>, of the
// day of t those whose names are greater than after, and all of later days, in
// byte order of their keys. It costs one request for a thousand objects, on file
// and mem one for each day and all that it holds.
func (b *Bucket) Since(ctx context.Context, folder string, t time.Time, after string) iter.Seq2[*blob.ListObject, error] {
	first := folder + t.UTC().Format("2006/01/02/") + after
	if b.kind != "file" && b.kind != "mem" {
		return b.ObjectsAfter(ctx, folder, first)
	}
	return func(yield func(*blob.ListObject, error) bool) {
		for o, err := range b.Days(ctx, folder, t, time.Time{}) {
			if err == nil && o.Key <= first {
				continue
			}
			if !yield(o, err) || err != nil {
				return
			}
		}
	}
}

// LastDay returns the last of the folders by day in folder that is before the
// key before, empty if there is none. It looks for the last year, its last month
// and that one's last day: three lists, whatever they hold, and two more where
// the first of a month or a year is before.
func (b *Bucket) LastDay(ctx context.Context, folder, before string) (string, error) {
	return b.lastBelow(ctx, folder, before, 3)
}

func (b *Bucket) lastBelow(ctx context.Context, folder, before string, levels int) (string, error) {
	if levels == 0 {
		return folder, nil
	}
	var subs []string
	for sub, err := range b.Folders(ctx, folder) {
		if err != nil {
			return "", err
		}
		if dated(folder, sub) && sub < before {
			subs = append(subs, sub)
		}
	}
	for _, sub := range slices.Backward(subs) {
		if day, err := b.lastBelow(ctx, sub, before, levels-1); day != "" || err != nil {
			return day, err
		}
	}
	return "", nil
}

// dated tells whether sub, a folder in folder, has the form of a year, a month or
// a day.
func dated(folder, sub string) bool {
	return strings.Trim(strings.TrimPrefix(sub, folder), "0123456789") == "/"
}

// DaysBefore lists the folders by day in folder whose day ended before t or
// then, in order. It looks for years, months and days, so that it costs a list
// for each of them and not for what they hold.
func (b *Bucket) DaysBefore(ctx context.Context, folder string, t time.Time) iter.Seq2[string, error] {
	end := t.UTC().Truncate(24 * time.Hour).Format("2006/01/02/")
	return func(yield func(string, error) bool) {
		b.below(ctx, folder, 3, func(day string, err error) bool {
			if err == nil && strings.TrimPrefix(day, folder) >= end {
				return false
			}
			return yield(day, err)
		})
	}
}

// below calls each with the folders so many levels below folder, in order, that
// have the form of a year, a month or a day, until it returns false.
func (b *Bucket) below(ctx context.Context, folder string, levels int, each func(string, error) bool) (more bool) {
	for sub, err := range b.Folders(ctx, folder) {
		if err != nil {
			each("", err)
			return false
		}
		if !dated(folder, sub) {
			continue
		}
		if levels > 1 && !b.below(ctx, sub, levels-1, each) || levels == 1 && !each(sub, nil) {
			return false
		}
	}
	return true
}

// Folders lists the folders right in folder, which ends in "/" or is empty, as
// they do.
func (b *Bucket) Folders(ctx context.Context, folder string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if err := b.Admit(ctx, folder, false); err != nil {
			yield("", err)
			return
		}
		it := b.List(&blob.ListOptions{Prefix: folder, Delimiter: "/"})
		for {
			o, err := it.Next(ctx)
			switch {
			case errors.Is(err, io.EOF):
				return
			case err != nil:
				yield("", fmt.Errorf("list %s%s: %w", b.URL, folder, err))
				return
			case o.IsDir && !yield(o.Key, nil):
				return
			}
		}
	}
}
