package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
)

type quarantineCmd struct {
	Ls   lsQuarantine   `cmd:"" help:"List what is pending: a line a record, with its reason and position."`
	Show showQuarantine `cmd:"" help:"Print the records of an object as they were received."`

	Accept acceptQuarantine `cmd:"" help:"Accept that what is pending is lost: verify names it no more. Nothing is removed."`
}

type lsQuarantine struct {
	Function functionName `arg:"" help:"Name of the function."`
	Code     string       `help:"Only records with this code." placeholder:"too_long"`
	From     time.Time    `help:"Only objects of this day or later."`
	To       time.Time    `help:"Only objects of this day or before."`
}

// Run implements the command.
func (l *lsQuarantine) Run(ctx context.Context, c *cli) error {
	if _, err := c.find(l.Function); err != nil {
		return err
	}
	if !l.To.IsZero() && l.To.Before(l.From) {
		return usageError{fmt.Errorf("--to, %s, is before --from, %s", moment(l.To), moment(l.From))}
	}
	kept, err := openState(ctx)
	if err != nil {
		return err
	}
	defer kept.close()
	listed := 0
	err = c.list("quarantine-ls", func(each func(any, string) error) error {
		return l.list(ctx, quarantine.New(kept.rejected, string(l.Function)), func(record any, text string) error {
			listed++
			return each(record, text)
		})
	})
	if err == nil && listed == 0 && !c.Quiet {
		c.note("nothing of that is pending in %s", kept.rejected.URL)
	}
	return err
}

// lsAnswer is what is pending. It is written while it is read: see list.
type lsAnswer struct {
	header
	// Records are the rejected records, each in a line.
	Records []listed `json:"records"`
}

// listed is a record of the list: all of it but what was received.
type listed struct {
	// Object is where it lies, below QUARANTINE_URL.
	Object string `json:"object"`
	// Line is its line there, from 1.
	Line int `json:"line"`
	// Time is when it was rejected.
	Time time.Time `json:"time"`
	// Code says why it was rejected, in a word that stays the same.
	Code string `json:"code"`
	// Reason says why.
	Reason string `json:"reason"`
	// Source is its position in the source, as the function tells it.
	Source json.RawMessage `json:"source"`
}

func (l *lsQuarantine) list(ctx context.Context, q *quarantine.Store, each func(any, string) error) error {
	var damaged []error // which end the list badly, but not early
	for name, err := range q.Names(ctx, l.From, l.To) {
		if err != nil {
			return err
		}
		for r, err := range q.Read(ctx, name) {
			if quarantine.IsDamaged(err) {
				damaged = append(damaged, err)
				break
			}
			if err != nil {
				return err
			}
			if l.Code != "" && r.Code != l.Code {
				continue
			}
			one := listed{r.Object, r.Line, r.Time, r.Code, r.Reason, r.Source}
			text := fmt.Sprintf("%s:%d  %s  %s  %s\n    %s\n", one.Object, one.Line, one.Time.Format(time.RFC3339), one.Code, one.Source, one.Reason)
			if err := each(one, text); err != nil {
				return err
			}
		}
	}
	return errors.Join(damaged...)
}

// list prints records while they are read, there may be a million, as text or as
// a document of the given kind. records calls each with one in both forms.
func (c *cli) list(kind string, records func(each func(record any, text string) error) error) error {
	w := bufio.NewWriter(c.stdout)
	if c.Output != outputJSON {
		err := records(func(_ any, text string) error {
			_, err := w.WriteString(text)
			return err
		})
		return errors.Join(err, w.Flush())
	}
	_, _ = fmt.Fprintf(w, `{"schema":%q,"records":[`, schemaOf(kind)) // Flush says if it failed
	between := "\n"
	err := records(func(record any, _ string) error {
		line, err := json.Marshal(record)
		if err != nil {
			return err
		}
		_, _ = w.WriteString(between)
		_, err = w.Write(line)
		between = ",\n"
		return err
	})
	end, encoding := json.Marshal(ending(err))
	_, _ = fmt.Fprintf(w, "\n],%s\n", end[1:])
	c.printed = true
	return errors.Join(err, encoding, w.Flush())
}

type showQuarantine struct {
	Function functionName `arg:"" help:"Name of the function."`
	Object   string       `arg:"" help:"Name of the object, as ls prints it, with or without the line."`
	Line     int          `help:"Only the record in this line."`
}

// Run implements the command.
func (s *showQuarantine) Run(ctx context.Context, c *cli) error {
	if _, err := c.find(s.Function); err != nil {
		return err
	}
	kept, err := openState(ctx)
	if err != nil {
		return err
	}
	defer kept.close()
	return c.list("quarantine-show", func(each func(any, string) error) error {
		return s.show(ctx, quarantine.New(kept.rejected, string(s.Function)), each)
	})
}

// received is a record with what was received.
type received struct {
	listed
	// Record is what was received.
	Record string `json:"record"`
	// Encoding is base64 where what was received is no text.
	Encoding string `json:"encoding,omitempty"`
}

func (s *showQuarantine) show(ctx context.Context, q *quarantine.Store, each func(any, string) error) error {
	if object, line, ok := strings.Cut(s.Object, ".gz:"); ok && s.Line == 0 {
		if n, err := strconv.Atoi(line); err == nil {
			s.Object, s.Line = object+".gz", n
		}
	}
	found := false
	for r, err := range q.Read(ctx, s.Object) {
		if bucket.IsNotFound(err) {
			return fmt.Errorf("%s is not in quarantine: siemfeed quarantine ls %s names what is", s.Object, s.Function)
		}
		if err != nil {
			return err
		}
		if s.Line != 0 && r.Line != s.Line {
			continue
		}
		found = true
		if r.Long {
			return fmt.Errorf("%s:%d is too long to be kept in one piece: it is at its source, %s", r.Object, r.Line, r.Source)
		}
		one := received{listed: listed{r.Object, r.Line, r.Time, r.Code, r.Reason, r.Source}, Record: string(r.Record)}
		if !utf8.Valid(r.Record) {
			one.Record, one.Encoding = base64.StdEncoding.EncodeToString(r.Record), "base64"
		}
		if err := each(one, string(printable(r.Record))); err != nil {
			return err
		}
	}
	if !found {
		return fmt.Errorf("%s has no line %d", s.Object, s.Line)
	}
	return nil
}

// printable is a record and a line end, quoted where it is no text: a terminal
// would obey it.
func printable(record []byte) []byte {
	for _, c := range string(record) {
		if c == utf8.RuneError || c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == 0x7f {
			return fmt.Appendf(nil, "%q\n", record)
		}
	}
	return append(record[:len(record):len(record)], '\n')
}

type acceptQuarantine struct {
	Function functionName `arg:"" help:"Name of the function."`
	Code     string       `help:"Objects of which every record has this code." placeholder:"object_gone" required:"" xor:"which"`
	Object   string       `help:"This object, whatever is in it." required:"" xor:"which"`
}

// Run implements the command.
func (a *acceptQuarantine) Run(ctx context.Context, c *cli) error {
	if _, err := c.find(a.Function); err != nil {
		return err
	}
	kept, err := openState(ctx)
	if err != nil {
		return err
	}
	defer kept.close()
	answer, err := a.accept(ctx, quarantine.New(kept.rejected, string(a.Function)))
	if shown := c.show(answer); err == nil {
		err = shown
	}
	return err
}

// acceptAnswer is what was accepted as lost.
type acceptAnswer struct {
	header
	// Function is the function whose quarantine it is.
	Function functionName `json:"function"`
	// Objects counts the objects that were accepted.
	Objects int64 `json:"objects"`
	// Records counts the records in them.
	Records int64 `json:"records"`
	// Left are the objects that stay pending, as they hold records of another code.
	Left []leftObject `json:"left"`
}

// leftObject is an object that stays pending.
type leftObject struct {
	// Object is where it lies, below QUARANTINE_URL.
	Object string `json:"object"`
	// Records counts its records.
	Records int64 `json:"records"`
	// Others counts those of them with another code.
	Others int64 `json:"others"`
}

func (a *acceptAnswer) kind() string { return "quarantine-accept" }
func (a *acceptAnswer) found() bool  { return len(a.Left) > 0 }

func (a *acceptAnswer) text(w io.Writer) {
	for _, l := range a.Left {
		_, _ = fmt.Fprintf(w, "%s stays pending: %d of its %d records have another code\n", l.Object, l.Others, l.Records)
	}
	_, _ = fmt.Fprintf(w, "%s with %s accepted as lost\n", plural(a.Objects, "object"), plural(a.Records, "record"))
}

func (a *acceptQuarantine) accept(ctx context.Context, q *quarantine.Store) (*acceptAnswer, error) {
	done := &acceptAnswer{Function: a.Function, Left: []leftObject{}}
	err := q.Accept(ctx, func(r quarantine.Record) bool {
		return r.Object == a.Object || a.Code != "" && r.Code == a.Code
	}, func(d quarantine.Acceptance) {
		if d.Left > 0 {
			done.Left = append(done.Left, leftObject{d.Object, d.Left + d.Records, d.Left})
			return
		}
		done.Objects++
		done.Records += d.Records
	})
	if err == nil && !done.found() && done.Objects == 0 && a.Object != "" {
		err = fmt.Errorf("%s is not pending", a.Object)
	}
	return done, err
}
