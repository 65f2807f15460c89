package muleaudit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"time"

	"github.com/siemfeed/siemfeed/pkg/anypoint"
	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// VerifyOptions say what to verify.
type VerifyOptions struct {
	// From and To bound it; zero means from the first scheduled run to the
	// watermark.
	From, To time.Time
	// Last, where From is zero, is how far before To it begins, if the first
	// scheduled run was earlier; and where To is zero, too, it ends before what
	// the next run looks at again.
	Last time.Duration
	// Deleted says that the SIEM's feed deletes the objects it has read, so
	// that a missing object is no finding.
	Deleted bool
	// Deep reads every entry from the API again, and looks for each among the
	// events exported, instead of comparing totals.
	Deep bool
}

// Verified is what one organisation's verification covered.
type Verified struct {
	Org      string            `json:"org"`
	From     time.Time         `json:"from"`
	To       time.Time         `json:"to"`
	Slices   int               `json:"slices"`
	Objects  int               `json:"objects"`
	Events   int64             `json:"events"`    // in these objects
	Entries  int64             `json:"entries"`   // received from the API by the looks
	APITotal int64             `json:"api_total"` // that the API counts there now
	Findings []receipt.Finding `json:"findings"`
}

func (v *Verified) find(kind, where, format string, args ...any) {
	v.Findings = append(v.Findings, receipt.Finding{Kind: kind, Where: where, Detail: fmt.Sprintf(format, args...)})
}

// Verify compares, for every organisation, what the receipts and the state say
// with the objects that are there and with what the API counts. done, if not
// nil, hears of every slice. An error means that it could not be found out.
func (f *Function) Verify(ctx context.Context, o VerifyOptions, done func(org string, slice time.Time)) ([]Verified, error) {
	orgs, err := f.organisations(ctx, request{})
	if err != nil {
		return nil, err
	}
	receipts, err := f.receiptObjects(ctx, o)
	if err != nil {
		return nil, err
	}
	out := make([]Verified, len(orgs))
	for i, org := range orgs {
		v := &out[i]
		v.Org = org
		if err := f.verifyOrg(ctx, o, receipts, v, done); err != nil {
			return out, err
		}
	}
	return out, nil
}

func (f *Function) verifyOrg(ctx context.Context, o VerifyOptions, receipts map[string]Object, v *Verified, done func(string, time.Time)) error {
	st := orgState{f.state, v.Org}
	since, err := st.since(ctx)
	if err != nil {
		return err
	}
	watermark, err := st.watermark(ctx)
	if err != nil {
		return err
	}
	v.From, v.To = since, watermark
	if !o.To.IsZero() {
		v.To = o.To.UTC()
	} else if o.Last > 0 && !watermark.IsZero() {
		v.To = watermark.Add(-f.cfg.Overlap).Truncate(f.cfg.Slice)
	}
	if !o.From.IsZero() {
		v.From = o.From.UTC()
	} else if o.Last > 0 {
		v.From = latest(since, v.To.Add(-o.Last))
	}
	if !watermark.IsZero() && o.Last > 0 && !v.From.Before(v.To) {
		v.To = v.From // nothing is settled yet
		return nil
	}
	if v.From.IsZero() || !v.From.Before(v.To) {
		v.find(receipt.Gap, v.Org, "nothing was exported yet: run the function, or give the span of a backfill")
		return nil
	}
	starts, err := st.starts(ctx, v.From, v.To)
	if err != nil {
		return err
	}
	pending, err := st.pending(ctx)
	if err != nil {
		return err
	}
	covered := v.From
	named := map[string]bool{}
	for _, start := range starts {
		rec, err := st.sliceReceipt(ctx, start)
		if err != nil {
			return err
		}
		if !rec.End.IsZero() && !rec.End.After(v.From) {
			continue
		}
		covered = v.coverage(rec, covered)
		if err := f.verifyObjects(ctx, o, st, start, pending, receipts, named, v); err != nil {
			return err
		}
		if err := f.verifyTotals(ctx, o, st, rec, v); err != nil {
			return err
		}
		v.Slices++
		if done != nil {
			done(v.Org, start)
		}
	}
	if covered.Before(v.To) {
		v.gap(covered, v.To)
	}
	for name := range receipts {
		if org, start := parseName(name); org == v.Org && !named[name] && v.begins(start) {
			v.find(receipt.Missing, name, "a receipt names it, and the state does not: was STATE_URL changed?")
		}
	}
	return f.verifyStrangers(ctx, named, v)
}

func (v *Verified) gap(from, to time.Time) {
	v.find(receipt.Gap, v.Org, "%s to %s was never read: run a backfill of it", from.Format(time.RFC3339), to.Format(time.RFC3339))
}

// coverage names the gap, if any, between what the slices before covered and
// what was looked at of this one, and returns how far it is covered now.
func (v *Verified) coverage(rec sliceReceipt, covered time.Time) time.Time {
	looks := slices.Clone(rec.Looks)
	slices.SortFunc(looks, func(a, b reading) int { return a.From.Compare(b.From) })
	for _, l := range looks {
		if l.From.After(covered) && covered.Before(v.To) {
			v.gap(covered, earliest(l.From, v.To))
		}
		covered = latest(covered, l.To)
	}
	return covered
}

// starts lists the starts of the slices that the state knows and that may
// touch [from, to), in order.
func (l orgState) starts(ctx context.Context, from, to time.Time) ([]time.Time, error) {
	keys, err := l.state.Keys(ctx, l.dir("slices")+"/")
	if err != nil {
		return nil, err
	}
	var out []time.Time
	for _, k := range keys {
		start, err := time.Parse(basic, path.Base(path.Dir(k)))
		if err != nil {
			return nil, fmt.Errorf("%s is not the state of a slice: remove it", k)
		}
		if start.After(from.Add(-day)) && start.Before(to) && (len(out) == 0 || !out[len(out)-1].Equal(start)) {
			out = append(out, start)
		}
	}
	return out, nil
}

// verifyObjects compares the manifests of a slice with the objects in the output
// and with the receipts.
func (f *Function) verifyObjects(ctx context.Context, o VerifyOptions, st orgState, start time.Time, pending []string, receipts map[string]Object, named map[string]bool, v *Verified) error {
	manifests, err := st.manifests(ctx, start)
	if err != nil {
		return err
	}
	for _, path := range manifests {
		c, err := readManifest(ctx, f.state, path, nil)
		if err != nil {
			return err
		}
		waiting := slices.Contains(pending, path)
		for _, p := range c.Parts {
			named[p.Name] = true
			v.Objects++
			v.Events += p.Events
			if r, ok := receipts[p.Name]; ok && r != (Object{p.Name, p.Events, p.Bytes, p.SHA256}) {
				v.find(receipt.Altered, p.Name, "the receipt says %d bytes, sha256 %s; the state says %d, %s", r.Bytes, r.SHA256, p.Bytes, p.SHA256)
			}
			size, sum, err := f.hashObject(ctx, p.Name)
			switch {
			case bucket.IsNotFound(err) && waiting:
				v.find(receipt.Unpublished, p.Name, "%d events wait in the state: the next run publishes them", p.Events)
			case bucket.IsNotFound(err) && o.Deleted:
			case bucket.IsNotFound(err):
				v.find(receipt.Missing, p.Name, "%d events, %d bytes: deleted? Say so if the feed deletes what it has read", p.Events, p.Bytes)
			case err != nil:
				return err
			case size != p.Bytes || sum != p.SHA256:
				v.find(receipt.Altered, p.Name, "it has %d bytes, sha256 %s; written were %d, %s", size, sum, p.Bytes, p.SHA256)
			}
		}
	}
	return nil
}

func (f *Function) hashObject(ctx context.Context, name string) (size int64, sum string, err error) {
	r, err := f.output.NewReader(ctx, name, nil)
	if err != nil {
		return 0, "", fmt.Errorf("read %s: %w", name, err)
	}
	defer func() { _ = r.Close() }()
	h := sha256.New()
	if size, err = io.Copy(h, r); err != nil {
		return 0, "", fmt.Errorf("read %s: %w", name, err)
	}
	return size, hex.EncodeToString(h.Sum(nil)), nil
}

// verifyTotals compares what was received of a slice with what the API has.
func (f *Function) verifyTotals(ctx context.Context, o VerifyOptions, st orgState, rec sliceReceipt, v *Verified) error {
	for _, l := range rec.Looks {
		q := anypoint.Query{Org: v.Org, From: l.From, To: l.To}
		where := fmt.Sprintf("%s %s to %s", v.Org, l.From.Format(time.RFC3339), l.To.Format(time.RFC3339))
		v.Entries += l.Events
		total, err := f.api.Total(ctx, q)
		if err != nil {
			return err
		}
		total -= l.Outside
		missing := total - l.Events
		if o.Deep || missing > 0 { // what is more may lie beside the look, too
			if total, missing, err = f.readAgain(ctx, st, rec, q); err != nil {
				return err
			}
		}
		v.APITotal += total
		if missing > 0 {
			v.find(receipt.Behind, where, "the API has %d entries more than were exported: they arrived late. The next run fetches what is within MULE_OVERLAP; run a backfill for the rest", missing)
		}
	}
	return nil
}

// readAgain reads from the API what was looked at, and counts its entries and
// those of them that were not exported.
func (f *Function) readAgain(ctx context.Context, st orgState, rec sliceReceipt, q anypoint.Query) (total, missing int64, err error) {
	lengths, err := st.lengths(ctx, f.cfg.Slice)
	if err != nil {
		return 0, 0, err
	}
	known, err := st.exported(ctx, slice{q.Org, rec.Start, rec.End}.beside(), lengths)
	if err != nil {
		return 0, 0, err
	}
	d := &deep{known: known.keys, missing: keys{}}
	if _, err := f.api.Entries(ctx, q, d); err != nil {
		return 0, 0, err
	}
	return d.entries, int64(len(d.missing)), nil
}

// deep looks for every entry among the exported ones.
type deep struct {
	known   keys
	missing keys
	entries int64
	page    int64
}

func (d *deep) PageStart(int) { d.page = 0 }

func (d *deep) Entry(raw []byte) error {
	d.page++
	if k := keyOf(raw); !d.known.has(k) {
		d.missing.add(k)
	}
	return nil
}

func (d *deep) Reject(e anypoint.Rejected) error {
	d.page++
	h := rejectHash()
	if _, err := io.Copy(h, e.Record); err != nil {
		return err
	}
	if k := keyOfSum(h.Sum(nil)); !d.known.has(k) {
		d.missing.add(k)
	}
	return nil
}

func (d *deep) PageEnd() error {
	d.entries += d.page
	return nil
}

// begins tells whether a slice begins within what is verified. Of one that only
// ends there, no object is looked for that the state does not know.
func (v *Verified) begins(start time.Time) bool { return !start.Before(v.From) && start.Before(v.To) }

// verifyStrangers names the objects in the output that look like ours and that
// the state does not know.
func (f *Function) verifyStrangers(ctx context.Context, named map[string]bool, v *Verified) error {
	for d := v.From.Truncate(day); d.Before(v.To); d = d.Add(day) {
		keys, err := f.output.Keys(ctx, d.Format("2006/01/02/")+"mulesoft-audit-"+v.Org+"-")
		if err != nil {
			return err
		}
		for _, k := range keys {
			if org, start := parseName(k); org == v.Org && !named[k] && v.begins(start) {
				v.find(receipt.Unknown, k, "the state does not know it: written by another deployment into the same bucket?")
			}
		}
	}
	return nil
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
