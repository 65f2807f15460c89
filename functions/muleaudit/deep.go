package muleaudit

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/siemfeed/siemfeed/pkg/anypoint"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// maxHeld bounds the keys that deep looks hold side by side, in events: each
// costs some 50 bytes. A slice with more is looked at alone.
const maxHeld = 500_000

// deep reads a slice's objects, and its entries from the API again, and looks
// for each event where it has to be.
func (p *proven) deep(ctx context.Context, e evidence) error {
	weight := min(e.events()+1, maxHeld)
	if err := p.held.Acquire(ctx, weight); err != nil {
		return err
	}
	defer p.held.Release(weight)
	d := &deepLook{ctx: ctx, p: p, e: e, whole: true, known: keys{}, there: keys{}, late: keys{}, removed: keys{}}
	if err := e.keys(ctx, p.f, d.known); err != nil {
		return err
	}
	for _, o := range e.objects {
		if err := d.object(o); err != nil {
			return err
		}
	}
	if d.doubled > 0 {
		p.find(receipt.Doubled, e.String(), "%d events are in its objects more than once, one of them in %s", d.doubled, d.double)
	}
	return d.entries()
}

// deepLook is a slice as it is looked at deeply.
type deepLook struct {
	ctx     context.Context
	p       *proven
	e       evidence
	known   keys // what the state says was exported or rejected
	there   keys // in the objects
	beside  keys
	whole   bool // all objects are as they were written
	doubled int64
	double  string // an object with a doubled event

	received int64
	late     keys // entries that were not exported
	removed  keys // exported entries that are in no object
	page     int64
}

// object compares an object's content with what was decided.
func (d *deepLook) object(o decided) error {
	p := d.p
	if p.isBad(o.Name) {
		d.whole = false
		return nil
	}
	var events, strange int64
	c, err := p.f.readContent(d.ctx, o.Name, func(k key) {
		events++
		if !d.known.has(k) {
			strange++
		}
		if !d.there.add(k) {
			d.doubled, d.double = d.doubled+1, o.Name
		}
	})
	if err != nil {
		d.whole = false
		return p.absent(o, err)
	}
	p.count(func(v *Verified) { v.Read++ })
	switch sum := hex.EncodeToString(c.sum); {
	case c.bytes != o.Bytes || sum != o.SHA256:
		d.whole = false
		p.wrong(receipt.Altered, o.Name, "it has %d bytes, sha256 %s, and holds %d events, of which %d were never exported%s; written were %d bytes, %s, %d events",
			c.bytes, sum, events, strange, c.trouble(), o.Bytes, o.SHA256, o.Events)
	case events != o.Events || strange > 0 || c.broken != nil:
		d.whole = false
		p.wrong(receipt.Altered, o.Name, "it holds %d events, of which %d are none that the state knows%s; decided were %d", events, strange, c.trouble(), o.Events)
	}
	return nil
}

func (p *proven) isBad(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.bad[name]
}

// entries reads from the API again what was read of the slice.
func (d *deepLook) entries() error {
	var before int64
	for _, r := range d.e.reads {
		if _, err := d.p.f.api.Entries(d.ctx, anypoint.Query{Org: d.e.org, From: r.From, To: r.To}, d); err != nil {
			return err
		}
		before += r.Events
	}
	p, where := d.p, d.e.String()
	if n := len(d.late); n > 0 {
		p.find(receipt.Behind, where, "the API has %d entries more than were exported: they arrived late. The next run fetches what is within MULE_OVERLAP; run a backfill for the rest", n)
	}
	if n := len(d.removed); n > 0 {
		p.find(receipt.Missing, where, "%d events that the API has, and that were exported, are in none of its objects", n)
	}
	p.count(func(v *Verified) {
		v.APITotal += d.received
		v.Forgotten += max(0, before+int64(len(d.late))-d.received)
	})
	return nil
}

// PageStart implements [anypoint.Handler].
func (d *deepLook) PageStart(int) { d.page = 0 }

// Entry looks for an entry that can be delivered.
func (d *deepLook) Entry(raw []byte) error {
	_, timed := anypoint.Timestamp(raw)
	k := keyOf(raw)
	// Of what tells no time the slice beside may have it.
	if d.whole && timed && d.known.has(k) && !d.there.has(k) {
		d.removed.add(k)
	}
	return d.look(k)
}

// Reject looks for an entry that went to quarantine.
func (d *deepLook) Reject(e anypoint.Rejected) error {
	h := rejectHash()
	if _, err := io.Copy(h, e.Record); err != nil {
		return err
	}
	return d.look(keyOfSum(h.Sum(nil)))
}

func (d *deepLook) look(k key) error {
	d.page++
	if d.known.has(k) {
		return nil
	}
	// A slice of another length may have it, or of what tells no time one beside.
	if elsewhere, err := d.elsewhere(k); err != nil || elsewhere {
		return err
	}
	d.late.add(k)
	return nil
}

// PageEnd implements [anypoint.Handler].
func (d *deepLook) PageEnd(bool) error {
	d.received += d.page
	return nil
}

// elsewhere tells whether a slice that overlaps or adjoins this one has k.
func (d *deepLook) elsewhere(k key) (bool, error) {
	if d.beside == nil {
		d.beside = keys{}
		near, err := d.p.f.evidence(d.ctx, d.p.st, d.e.From.Add(-time.Millisecond), d.e.To.Add(time.Millisecond))
		if err != nil {
			return false, err
		}
		for _, e := range near {
			if err := e.keys(d.ctx, d.p.f, d.beside); err != nil {
				return false, err
			}
		}
	}
	return d.beside.has(k), nil
}

// content is what an object holds, as it lies in the output.
type content struct {
	bytes  int64
	sum    []byte // SHA-256
	broken error  // why it could not be unpacked to its end
}

func (c content) trouble() string {
	if c.broken == nil {
		return ""
	}
	return fmt.Sprintf(" (it cannot be read to its end: %v)", c.broken)
}

// readContent reads an object to its end, and calls each, unless that is nil,
// with the events in it. The error says why it could not be read; that it holds
// no gzip is not one.
func (f *Function) readContent(ctx context.Context, name string, each func(event key)) (c content, err error) {
	r, err := f.output.NewReader(ctx, name, nil)
	if err != nil {
		return c, fmt.Errorf("read %s: %w", name, err)
	}
	defer func() { _ = r.Close() }()
	h := sha256.New()
	src := &failing{r: io.TeeReader(r, h), n: &c.bytes}
	if each != nil {
		c.broken = unpack(src, each)
	}
	if _, err := io.Copy(io.Discard, src); err != nil && src.err == nil {
		src.err = err
	}
	if src.err != nil {
		return c, fmt.Errorf("read %s: %w", name, src.err)
	}
	c.sum = h.Sum(nil)
	return c, nil
}

// failing tells what the store could not give from what is wrong with it.
type failing struct {
	r   io.Reader
	n   *int64
	err error
}

func (f *failing) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	*f.n += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		f.err = err
	}
	return n, err
}

// unpack calls each with the lines of a gzip object, as keys: a line may be long.
func unpack(r io.Reader, each func(key)) error {
	gz, err := gzip.NewReader(r)
	if err != nil {
		return err
	}
	in, h, some := bufio.NewReaderSize(gz, 64<<10), sha256.New(), false
	for {
		part, err := in.ReadSlice('\n')
		_, _ = h.Write(bytes.TrimSuffix(part, newline)) // a hash never fails
		some = some || len(part) > 0
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && some:
			return errors.New("its last line does not end")
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		each(keyOfSum(h.Sum(nil)))
		h.Reset()
		some = false
	}
}
