package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

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
	Output   string       `help:"table or json: a line of JSON a record." enum:"table,json" default:"table"`
}

// Run implements the command.
func (l *lsQuarantine) Run(ctx context.Context, c *cli) error {
	if _, err := c.find(l.Function); err != nil {
		return err
	}
	kept, err := openState(ctx)
	if err != nil {
		return err
	}
	defer kept.close()
	out := bufio.NewWriter(c.stdout)
	if err := l.list(ctx, quarantine.New(kept.rejected, string(l.Function)), out); err != nil {
		return err
	}
	return out.Flush()
}

// listed is a record of the list: all of it but what was received.
type listed struct {
	Object string          `json:"object"`
	Line   int             `json:"line"`
	Time   time.Time       `json:"time"`
	Code   string          `json:"code"`
	Reason string          `json:"reason"`
	Source json.RawMessage `json:"source"`
}

// list writes while it reads: there may be a million.
func (l *lsQuarantine) list(ctx context.Context, q *quarantine.Store, w io.Writer) error {
	enc := json.NewEncoder(w)
	for name, err := range q.Names(ctx, l.From, l.To) {
		if err != nil {
			return err
		}
		for r, err := range q.Read(ctx, name) {
			if err != nil {
				return err
			}
			if l.Code != "" && r.Code != l.Code {
				continue
			}
			one := listed{r.Object, r.Line, r.Time, r.Code, r.Reason, r.Source}
			if l.Output == "json" {
				err = enc.Encode(one)
			} else {
				_, err = fmt.Fprintf(w, "%s:%d  %s  %s  %s\n    %s\n", one.Object, one.Line, one.Time.Format(time.RFC3339), one.Code, one.Source, one.Reason)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

type showQuarantine struct {
	Function functionName `arg:"" help:"Name of the function."`
	Object   string       `arg:"" help:"Name of the object, as ls prints it, without the line."`
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
	found := false
	for r, err := range quarantine.New(kept.rejected, string(s.Function)).Read(ctx, s.Object) {
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
		if _, err := c.stdout.Write(printable(r.Record)); err != nil {
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
	return a.accept(ctx, quarantine.New(kept.rejected, string(a.Function)), c.stdout)
}

func (a *acceptQuarantine) accept(ctx context.Context, q *quarantine.Store, w io.Writer) error {
	var objects, records, left int64
	err := q.Accept(ctx, func(r quarantine.Record) bool {
		return r.Object == a.Object || a.Code != "" && r.Code == a.Code
	}, func(d quarantine.Acceptance) {
		if d.Left > 0 {
			left++
			_, _ = fmt.Fprintf(w, "%s stays pending: %d of its %d records have another code\n", d.Object, d.Left, d.Left+d.Records)
			return
		}
		objects++
		records += d.Records
	})
	_, _ = fmt.Fprintf(w, "%s objects with %s records accepted as lost\n", count(objects), count(records))
	switch {
	case err == nil && left > 0:
		return errFindings
	case err == nil && objects == 0 && a.Object != "":
		return fmt.Errorf("%s is not pending", a.Object)
	}
	return err
}
