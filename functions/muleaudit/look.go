package muleaudit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/siemfeed/siemfeed/pkg/anypoint"
	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/outcome"
)

// found is what one look at a slice brought.
type found struct {
	entries    int64 // what the API returned
	events     int64 // new, and now in objects
	late       int64 // of these, from before the watermark
	duplicates int64 // exported before, or identical to another entry
	rejected   int64 // new ones that are now in quarantine
	untimed    int64 // of the new ones, without a timestamp
	pages      int
	total      int64 // reported by the API, -1 if it reported none
	outside    int64 // of total, beside what was asked for
	bytesIn    int64
	retries    int64
	objects    []part
}

// maxTries bounds how often a look starts over because another run
// decided the slice first. Each loss means that the other made progress.
const maxTries = 10

// look reads a slice from the API, and exports what no look before it has:
// fetch, stage, manifest, publish.
func (f *Function) look(ctx context.Context, run string, l look, j *job) (found, error) {
	lengths := j.lengths
	st := orgState{f.state, l.org}
	known, err := st.exported(ctx, l.slice, lengths)
	if err != nil {
		return found{}, err
	}
	for try := range maxTries {
		res, lost, err := f.tryLook(ctx, st, run, try, l, j, known)
		if err != nil || !lost {
			return res, err
		}
		// Another run decided first. What it decided is as good as exported, so
		// see it through, and then look again for what it did not have.
		path := st.manifestPath(l.slice, known.manifests+1)
		theirs, err := readManifest(ctx, f.state, path, nil)
		if err != nil {
			return found{}, err
		}
		if err := f.publish(ctx, st, path, theirs); err != nil {
			return found{}, err
		}
		if known, err = st.exported(ctx, l.slice, lengths); err != nil {
			return found{}, err
		}
	}
	return found{}, fmt.Errorf("%s: another run decided this slice first, %d times over", l, maxTries)
}

// tryLook returns true when another run decided the slice meanwhile.
func (f *Function) tryLook(ctx context.Context, st orgState, run string, try int, l look, j *job, known *exported) (res found, lost bool, err error) {
	staging := newStage(ctx, f.state, fmt.Sprintf("%s%s-%d-", st.dir("staged", run)+"/", l.start.Format(basic), try))
	decided := false
	defer func() {
		if !decided { // what nothing names; after a look that found no news, nothing
			err = errors.Join(err, staging.discard())
		}
	}()

	n := known.manifests + 1
	path := st.manifestPath(l.slice, n)
	c := &collector{
		known: known.keys, fresh: keys{}, stage: staging, watermark: j.watermark, rejects: rejects{ctx, f.quarantine, l, path},
		edges: edges{ctx: ctx, st: st, slice: l.slice, lengths: j.lengths, strays: &j.strays},
	}
	stats, err := f.api.Entries(ctx, anypoint.Query{Org: l.org, From: l.from, To: l.to}, c)
	res = c.result(stats)
	if err != nil {
		return res, false, err
	}
	parts, err := staging.finish()
	if err != nil {
		return res, false, err
	}
	// From here on the look is worth more than the run's time: cut off now, it
	// would have to be read again.
	ctx, cancel := outcome.LastWords(ctx)
	defer cancel()
	if len(c.fresh) > 0 { // even if all of it is in quarantine
		for i := range parts {
			parts[i].Name = l.objectName(known.parts + i + 1)
		}
		cl := manifest{Run: run, Org: l.org, Start: l.start, End: l.end, From: l.from, To: l.to, Parts: parts}
		// The mark comes first: a manifest without one would not be found again
		// if we were killed before it is published. It is only ever created, as
		// to replace another run's would leave a moment without it.
		err := f.state.CreateJSON(ctx, st.pendingPath(l.slice, n), map[string]string{"run": run})
		if err != nil && !errors.Is(err, bucket.ErrExists) {
			return res, false, err
		}
		data, err := cl.encode(c.fresh)
		if err != nil {
			return res, false, err
		}
		err = st.manifestsOf(l.start).AppendBytes(ctx, uint64(n), data)
		if errors.Is(err, bucket.ErrExists) {
			return found{}, true, nil
		}
		decided = true // perhaps even if err says otherwise, so what it names must stay
		if err != nil {
			return res, false, err
		}
		if err := f.publish(ctx, st, path, cl); err != nil {
			return res, false, err
		}
		res.objects = parts
	}
	return res, false, st.noteLook(ctx, l, run, res, known.events+res.events)
}

// collector receives the entries of a look's pages, and hands on those that
// are new. It implements [anypoint.Handler].
type collector struct {
	known     keys // exported before
	fresh     keys // new in this look
	stage     *stage
	rejects   rejects
	edges     edges
	watermark time.Time

	entries, late, untimed int64
	rejected               int64 // of fresh
	page                   int64 // entries of the page under way
}

// PageStart begins a page, again if it broke off before. What the broken
// attempt brought is staged already; it must not count as a duplicate of
// itself.
func (c *collector) PageStart(int) { c.page = 0 }

// Entry takes one event.
func (c *collector) Entry(event []byte) error {
	c.page++
	k := keyOf(event)
	ms, ok := anypoint.Timestamp(event)
	if news, err := c.news(k, ok); err != nil || !news {
		return err
	}
	if !ok {
		c.untimed++
	}
	if !c.watermark.IsZero() && ok && ms < c.watermark.UnixMilli() {
		c.late++
	}
	return c.stage.add(event, ms, ok)
}

// Reject sets an entry aside that cannot be delivered.
func (c *collector) Reject(e anypoint.Rejected) error {
	c.page++
	return c.rejects.put(e, func(k key) (bool, error) {
		news, err := c.news(k, false)
		if news {
			c.rejected++
		}
		return news, err
	})
}

// news adds k to what is new in this look, if it is.
func (c *collector) news(k key, timed bool) (bool, error) {
	if c.known.has(k) || c.fresh.has(k) {
		return false, nil
	}
	if !timed {
		if elsewhere, err := c.edges.elsewhere(k); err != nil || elsewhere {
			return false, err
		}
	}
	return c.fresh.add(k), nil
}

// PageEnd ends a page that arrived whole.
func (c *collector) PageEnd() error {
	c.entries += c.page
	return nil
}

func (c *collector) result(s anypoint.Stats) found {
	// An event of a broken page that the API then did not send again was
	// received all the same.
	fresh := int64(len(c.fresh))
	entries := max(c.entries, fresh)
	return found{
		entries: entries, events: fresh - c.rejected, late: c.late, duplicates: entries - fresh, rejected: c.rejected, untimed: c.untimed,
		pages: s.Pages, total: s.Total, outside: int64(s.Outside), bytesIn: s.Bytes, retries: int64(s.Retries),
	}
}
