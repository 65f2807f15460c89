package muleaudit

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"regexp"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/siemfeed/siemfeed/pkg/anypoint"
	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

var markSeed = maphash.MakeSeed()

// markOf is what is remembered of a name or an object: 8 bytes, so that a year
// of many organisations fits. Among a million, two differ with a chance of
// 3·10⁻⁸ that their marks do not.
func markOf[T comparable](v T) uint64 { return maphash.Comparable(markSeed, v) }

// objects compares what was decided of a slice with what the output has, by
// size and stored hash. More events than entries were received are looked into.
func (p *proven) objects(ctx context.Context, e evidence) error {
	for _, o := range e.objects {
		if err := p.object(ctx, o); err != nil {
			return err
		}
	}
	if len(e.reads) > 0 && e.events() > e.entries() {
		return p.deep(ctx, e)
	}
	return nil
}

func (p *proven) object(ctx context.Context, o decided) error {
	there, err := p.f.output.Attributes(ctx, o.Name)
	if err != nil {
		return p.absent(o, err)
	}
	sum := p.f.output.StoredSum(there)
	switch {
	case there.Size != o.Bytes:
		p.wrong(receipt.Altered, o.Name, "it has %d bytes since %s; written were %d", there.Size, there.ModTime.UTC().Format(time.RFC3339), o.Bytes)
	case sum == o.SHA256:
	case sum != "":
		p.wrong(receipt.Altered, o.Name, "it was written with the sha256 %s; decided was %s", sum, o.SHA256)
	case len(there.MD5) > 0 && bytes.Equal(there.MD5, o.md5()): // written before objects carried their hash
	default: // or copied, overwritten, or in a directory
		return p.hash(ctx, o)
	}
	return nil
}

// hash compares an object with what was decided by its content.
func (p *proven) hash(ctx context.Context, o decided) error {
	c, err := p.f.readContent(ctx, o.Name, nil)
	if err != nil {
		return p.absent(o, err)
	}
	p.count(func(v *Verified) { v.Read++ })
	if sum := hex.EncodeToString(c.sum); c.bytes != o.Bytes || sum != o.SHA256 {
		p.wrong(receipt.Altered, o.Name, "it has %d bytes, sha256 %s; written were %d, %s", c.bytes, sum, o.Bytes, o.SHA256)
	}
	return nil
}

// wrong enters a finding about an object.
func (p *proven) wrong(kind, name, format string, args ...any) {
	p.find(kind, name, format, args...)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bad[name] = true
}

// absent judges an object that could not be looked at. An error of the store's,
// rather than of the object's own, is returned.
func (p *proven) absent(o decided, err error) error {
	switch {
	case bucket.IsObjectRefused(err):
		p.wrong(receipt.Unread, o.Name, "it could not be looked at: %v", err)
	case !bucket.IsNotFound(err):
		return fmt.Errorf("look at %s: %w", o.Name, err)
	case o.waiting:
		p.wrong(receipt.Unpublished, o.Name, "%d events wait in the state: the next run publishes them", o.Events)
	case p.o.Deleted:
		p.count(func(v *Verified) { v.Gone++; p.bad[o.Name] = true })
	default:
		p.wrong(receipt.Missing, o.Name, "%d events, %d bytes: deleted? Say so if the feed deletes what it has read", o.Events, o.Bytes)
	}
	return nil
}

// stretch is time that was read without a gap, within a day.
type stretch struct {
	from, to time.Time
	entries  int64
	slices   []evidence
}

// stretches joins what was read of the slices.
func (p *proven) stretches() (all []*stretch) {
	var last *stretch
	for _, e := range p.slices {
		for _, r := range e.reads {
			if last == nil || !last.to.Equal(r.From) || r.From.Truncate(day).Equal(r.From) {
				last = &stretch{from: r.From}
				all = append(all, last)
			}
			last.to = r.To
			last.entries += r.Events
			if n := len(last.slices); n == 0 || !last.slices[n-1].From.Equal(e.From) {
				last.slices = append(last.slices, e)
			}
		}
	}
	return all
}

// askers is how many questions are put to the API side by side; the request
// budget spaces them out.
const askers = 8

// totals compares what was received with what the API counts now: a total a day,
// and where it differs one for each reading, and where that differs all of the
// slice is read again.
func (p *proven) totals(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(askers)
	for _, s := range p.stretches() {
		g.Go(func() error {
			total, err := p.f.api.Count(gctx, anypoint.Query{Org: p.v.Org, From: s.from, To: s.to})
			if err != nil {
				return err
			}
			defer p.progress(gctx, latest(s.from, p.v.From), earliest(s.to, p.v.To))
			if total == s.entries {
				p.count(func(v *Verified) { v.APITotal += total })
				return nil
			}
			for _, e := range s.slices {
				if err := p.drill(gctx, e, s); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// drill compares the totals of a slice's readings within s, and reads the slice
// again where they differ: what is more, or less, may also lie beside.
func (p *proven) drill(ctx context.Context, e evidence, s *stretch) error {
	var sum int64
	differs := false
	for _, r := range e.reads {
		if r.From.Before(s.from) || r.To.After(s.to) {
			continue
		}
		total, err := p.f.api.Total(ctx, anypoint.Query{Org: p.v.Org, From: r.From, To: r.To})
		if err != nil {
			return err
		}
		sum += total - r.Outside
		differs = differs || total-r.Outside != r.Events
	}
	if differs {
		return p.deep(ctx, e)
	}
	p.count(func(v *Verified) { v.APITotal += sum })
	return nil
}

// begins tells whether a slice begins within what is verified. Of one that only
// ends there, no object is looked for that the state does not know.
func (p *proven) begins(start time.Time) bool {
	return !start.Before(p.v.From) && start.Before(p.v.To)
}

// strangers names the objects in the output that look like ours and that the
// state does not know.
func (p *proven) strangers(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(lookers)
	for d := p.v.From.Truncate(day); d.Before(p.v.To); d = d.Add(day) {
		g.Go(func() error {
			for o, err := range p.f.output.Objects(gctx, d.Format("2006/01/02/")+"mulesoft-audit-"+p.v.Org+"-") {
				if err != nil {
					return err
				}
				org, start := parseName(o.Key)
				if org != p.v.Org || !p.begins(start) || o.ModTime.After(p.began) || p.knows(o.Key) {
					continue
				}
				p.find(receipt.Unknown, o.Key, "the state does not know it: a copy, or written by another deployment into the same bucket?")
			}
			return nil
		})
	}
	return g.Wait()
}

// knows tells whether the state names an object.
func (v *verification) knows(name string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	_, ok := v.told[markOf(name)]
	return ok
}

var nameForm = regexp.MustCompile(`/mulesoft-audit-(.+)-(\d{8}T\d{6}Z)-\d{3,}\.json\.gz$`)

// parseName reads an object's name; org is empty if it is none of ours.
func parseName(name string) (org string, start time.Time) {
	m := nameForm.FindStringSubmatch(name)
	if m == nil {
		return "", time.Time{}
	}
	start, err := time.Parse(basic, m[2])
	if err != nil {
		return "", time.Time{}
	}
	return m[1], start
}

// receipts compares what the kept receipts say of objects with what the state
// does. Those of runs that end only now may know what was not there before.
//
// What is found of the chain of receipts, which are those of all organisations,
// stands with the first one.
func (v *verification) receipts(ctx context.Context, list []*proven) error {
	var first time.Time
	for _, p := range v.orgs {
		if p.v.From.Before(p.v.To) && (first.IsZero() || p.v.From.Before(first)) {
			first = p.v.From
		}
	}
	if first.IsZero() {
		return nil
	}
	found := map[string]bool{}
	chain, chained, err := receipt.Read(ctx, v.f.state, "muleaudit", receipt.ReadSpan{From: first, Pruned: v.pruned}, func(r Receipt) {
		if r.FinishedAt.After(v.began) {
			return
		}
		for _, org := range r.Orgs {
			p := v.orgs[org.Org]
			for _, o := range slices.Concat(org.Objects, org.Recovered) {
				if _, start := parseName(o.Name); p == nil || !p.begins(start) || found[o.Name] {
					continue
				}
				switch says, ok := v.told[markOf(o.Name)]; {
				case !ok:
					p.find(receipt.Missing, o.Name, "the receipt of %s names it, and the state does not: was STATE_URL changed?", r.Run)
				case says != markOf(o):
					p.find(receipt.Altered, o.Name, "the receipt of %s says %d events, %d bytes, sha256 %s, and the state something else", r.Run, o.Events, o.Bytes, o.SHA256)
				default:
					continue
				}
				found[o.Name] = true
			}
		}
	})
	list[0].count(func(o *Verified) {
		o.Join(chain)
		o.Receipts = chained
	})
	return err
}

// quarantine names what was rejected and not seen to, by the day of its slice, and
// counts what was accepted as lost.
func (v *verification) quarantine(ctx context.Context) error {
	var from, to time.Time
	for _, p := range v.orgs {
		if !p.v.From.Before(p.v.To) {
			continue
		}
		if from.IsZero() || p.v.From.Before(from) {
			from = p.v.From
		}
		to = latest(to, p.v.To)
	}
	if from.IsZero() {
		return nil
	}
	return errors.Join(
		v.inQuarantine(ctx, v.f.quarantine.Names(ctx, from.Add(-day), to), func(name string, err error) {
			v.first.find(receipt.Unread, name, "%v", err) // of whom it is cannot be known
		}, func(p *proven, at position, rec quarantine.Record) {
			p.find(receipt.Quarantined, fmt.Sprintf("%s %s to %s, page %d, entry %d", at.Org, at.From.Format(time.RFC3339), at.To.Format(time.RFC3339), at.Page, at.Index),
				"%s: %s (%s)", rec.Code, rec.Reason, rec.Object)
		}),
		v.inQuarantine(ctx, v.f.quarantine.Accepted(ctx, from.Add(-day), to), func(string, error) {}, func(p *proven, _ position, _ quarantine.Record) {
			p.count(func(v *Verified) { v.Accepted++ })
		}),
	)
}

// inQuarantine calls each with the entries of listed objects that lie in the
// time of an organisation that is verified, and unread with the objects that hold
// something else.
func (v *verification) inQuarantine(ctx context.Context, list iter.Seq2[string, error], unread func(string, error), each func(*proven, position, quarantine.Record)) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(lookers)
	for name, err := range list {
		if err != nil {
			return errors.Join(fmt.Errorf("QUARANTINE_URL: %w", err), g.Wait())
		}
		g.Go(func() error { return v.rejected(gctx, name, unread, each) })
	}
	return g.Wait()
}

// rejected enters the entries of one object in quarantine.
func (v *verification) rejected(ctx context.Context, name string, unread func(string, error), each func(*proven, position, quarantine.Record)) error {
	for rec, err := range v.f.quarantine.Read(ctx, name) {
		if bucket.IsNotFound(err) {
			return nil
		}
		var at position
		if err == nil {
			err = json.Unmarshal(rec.Source, &at)
		}
		switch {
		case quarantine.IsDamaged(err), bucket.IsObjectRefused(err), err != nil && len(rec.Source) > 0:
			unread(name, err)
			return nil
		case err != nil:
			return err
		}
		p := v.orgs[at.Org]
		if p == nil || !at.From.Before(p.v.To) || !at.To.After(p.v.From) {
			continue
		}
		each(p, at, rec)
	}
	return nil
}
