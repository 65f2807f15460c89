package objcsv

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/siemfeed/siemfeed/pkg/overlap"
)

// Converter converts objects, any number at a time.
type Converter struct {
	opts Options
	jobs sync.Pool // of *job: the buffers and tables of past conversions
	// buffers are kept apart from the jobs: only large objects need them.
	buffers overlap.Buffers
}

// New returns a converter, or every fault of the options in one error.
func New(o Options) (*Converter, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	o.Columns = slices.Clone(o.Columns)
	return &Converter{opts: o.withDefaults()}, nil
}

// Convert reads the gzip object src to its end and writes it to dst as CSV.
// It holds a fixed amount of memory, plus one record of at most
// MaxRecordBytes. A nil reject makes a record that would be rejected fail the
// object. See the package comment for errors; on any of them, what was written
// to dst must be discarded: it was not verified.
//
// What is more than a megabyte is read and unpacked in a goroutine of its own,
// ahead of what is converted and written: src may be read while dst is written
// or reject called, though no longer when Convert has returned. Wrap a src that
// can hang with [Interruptible], and dst with an [overlap.Writer] to have it
// written behind.
func (c *Converter) Convert(ctx context.Context, dst io.Writer, src io.Reader, reject RejectFunc) (Result, error) {
	j, ok := c.jobs.Get().(*job)
	if !ok {
		j = &job{br: bufio.NewReaderSize(nil, chunk)}
	}
	var interrupt func()
	if i, ok := src.(*interruptible); ok {
		src, interrupt = i.Reader, i.interrupt
	}
	j.reset(ctx, dst, src, c)
	err := j.run(reject)
	j.ahead.Stop(interrupt)
	r := j.result()
	if cap(j.lines.buf) <= 4*chunk { // one long record must not stay for good
		j.release()
		c.jobs.Put(j)
	}
	return r, err
}

// job is one conversion.
type job struct {
	opts   Options
	src    source
	br     *bufio.Reader
	gunzip gunzip
	ahead  overlap.Reader
	lines  lines
	walker walker
	sheet  sheet
	res    Result
}

func (j *job) reset(ctx context.Context, dst io.Writer, src io.Reader, c *Converter) {
	o := c.opts
	j.opts = o
	j.src = source{ctx: ctx, r: src}
	j.br.Reset(&j.src)
	j.gunzip.reset(&j.src, j.br, o)
	j.ahead.Reset(&j.gunzip, &c.buffers)
	j.lines.reset(&j.ahead, o.MaxRecordBytes)
	j.walker.fields.reset(o.Columns)
	j.sheet.reset(dst, o.MaxOutputBytes, o.FormulaGuard)
	j.res = Result{Format: FormatNone}
}

// release lets go of what belongs to the caller.
func (j *job) release() { j.src, j.sheet.dst = source{}, nil }

func (j *job) result() Result {
	r, f := j.res, &j.walker.fields
	r.BytesIn, r.BytesDecompressed, r.BytesOut = j.src.n, j.gunzip.out, j.sheet.out
	r.Replaced = j.sheet.replaced
	if !f.learning {
		r.Columns = slices.Clone(f.names[:f.cols])
		r.UnknownFields, r.UnknownOther = f.unknown(), f.other
	}
	return r
}

func (j *job) run(reject RejectFunc) error {
	err := j.gunzip.open()
	j.res.Layers = j.gunzip.depth
	if err != nil {
		return err
	}
	window := j.lines.window()
	if err := j.lines.err; err != nil && !isEnd(err) {
		return err
	}
	if isArray(window) {
		return fault(CodeJSONArray, "the records are in a JSON array: have them written one a line")
	}
	j.res.Format = sniff(window)
	if j.res.Format == FormatNDJSON {
		err = j.rows(reject)
	} else {
		err = j.pass(window)
	}
	if err != nil {
		return err
	}
	return j.sheet.flush()
}

// pass writes CSV, or nothing, as it is.
func (j *job) pass(window []byte) error {
	if j.opts.Header && len(j.opts.Columns) > 0 {
		if bytes.HasPrefix(window, bom) { // it belongs before the header
			j.sheet.write(bom)
			j.lines.pos += len(bom)
		}
		j.sheet.header(j.opts.Columns, lineEnd(window))
		j.res.HeaderWritten = true
	}
	var last byte
	for {
		p := j.lines.window()
		if len(p) == 0 {
			break
		}
		if err := j.sheet.flush(); err != nil {
			return err
		}
		j.sheet.write(p)
		j.res.Records += int64(bytes.Count(p, []byte{'\n'}))
		last = p[len(p)-1]
		j.lines.pos = j.lines.end
	}
	if last != 0 && last != '\n' {
		j.res.Records++
	}
	j.res.RecordsOut = j.res.Records
	if isEnd(j.lines.err) {
		return nil
	}
	return j.lines.err
}

// rows converts NDJSON.
func (j *job) rows(reject RejectFunc) error {
	if bytes.HasPrefix(j.lines.buf[:j.lines.end], bom) {
		j.lines.pos = len(bom)
	}
	if j.opts.Header && len(j.opts.Columns) > 0 {
		j.header()
	}
	for {
		line, err := j.lines.next()
		switch {
		case errors.Is(err, errTooLong):
			detail := fmt.Sprintf("longer than %d bytes", j.opts.MaxRecordBytes)
			err = j.reject(reject, CodeRecordTooLong, detail)
		case isEnd(err):
			return nil
		case err == nil:
			err = j.row(line, reject)
		}
		if err != nil {
			return err
		}
	}
}

func (j *job) row(line []byte, reject RejectFunc) error {
	if skipSpace(line, 0) == len(line)-1 {
		return nil
	}
	w := &j.walker
	learning := w.fields.learning
	if code, at := w.walk(line); code != "" {
		if learning {
			w.fields.reset(nil)
		}
		j.lines.untake(len(line))
		return j.reject(reject, code, fmt.Sprintf("at byte %d of the record", at))
	}
	if learning {
		j.header()
	}
	j.res.Records++
	j.res.RecordsOut++
	j.res.DuplicateKeys += w.commit()
	return j.sheet.row(line, w.values[:w.fields.cols])
}

func (j *job) header() {
	j.sheet.header(j.walker.fields.names[:j.walker.fields.cols], "\n")
	j.res.HeaderWritten = true
}

// reject hands out the record at the current position, and moves behind it.
func (j *job) reject(to RejectFunc, code Code, detail string) error {
	j.res.Records++
	j.res.Rejected++
	line, offset := j.lines.line, j.lines.offset()
	if to == nil {
		return fault(CodeRecord, "line %d: %s %s", line, code, detail)
	}
	rec := &record{l: &j.lines}
	if err := to(Rejected{Line: line, Offset: offset, Code: code, Detail: detail, Record: rec}); err != nil {
		return fmt.Errorf("reject line %d (%s): %w", line, code, err)
	}
	_, err := io.Copy(io.Discard, rec)
	return err
}
