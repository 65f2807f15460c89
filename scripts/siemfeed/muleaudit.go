package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/siemfeed/siemfeed/functions/muleaudit"
	"github.com/siemfeed/siemfeed/pkg/config"
)

func muleauditFunction() function {
	return function{
		name:      "muleaudit",
		new:       muleaudit.New,
		variables: config.Variables[muleaudit.Config](),
		unit:      "slices",
		demo:      demoMuleaudit,

		run:      command{"MuleSoft audit logs to a bucket.", &runFunction{}},
		backfill: command{"MuleSoft audit logs of a span of time.", &backfillMuleaudit{}},
		verify:   command{"Receipts, objects and the API's totals.", &verifyMuleaudit{}},
		doctor:   command{"Token, scopes, clock and buckets.", doctorOf(muleaudit.Open)},
		replay:   command{"Entries that were rejected, and can be delivered now.", &replayMuleaudit{}},
		prune:    command{"Receipts, verifications, the state of slices, quarantine that was seen to.", pruneOf(muleaudit.Open)},
	}
}

type backfillMuleaudit struct {
	From time.Time `required:"" help:"First moment of the span: RFC 3339, a date, or a span before now such as 7d." placeholder:"2026-01-02T00:00:00Z"`
	To   time.Time `required:"" help:"First moment after it."`
	Orgs []string  `help:"Only these organisations." placeholder:"ID,…"`
}

// Run implements the command.
func (b *backfillMuleaudit) Run(ctx context.Context, c *cli) error {
	if err := checkSpan(b.From, b.To); err != nil {
		return err
	}
	f, err := open(ctx, c, muleaudit.Open)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	watched, stop := c.watch(ctx, "backfill", c.function.unit)
	defer stop()
	a := newBackfillAnswer(c.function.name)
	err = f.Backfill(watched, b.From, b.To, b.Orgs, func(r *muleaudit.Receipt, _ time.Time) {
		a.add(r)
		for _, o := range r.Orgs {
			a.Objects += int64(len(o.Objects))
		}
	})
	stop()
	a.line = fmt.Sprintf("%s in %s", plural(a.Out, "event"), plural(a.Objects, "object"))
	return a.ended(c, err)
}

type verifyMuleaudit struct {
	From        time.Time `help:"Begin here, RFC 3339."`
	To          time.Time `help:"End here instead of before what the next run looks at again."`
	Last        span      `help:"Without --from, begin this long before the end." default:"7d"`
	FeedDeletes bool      `help:"The SIEM's feed deletes objects it has read: a missing one is no finding."`
	Deep        bool      `help:"Read every object, and every entry from the API again, and look for each, instead of comparing sizes, stored hashes and totals."`
}

// Run implements the command.
func (v *verifyMuleaudit) Run(ctx context.Context, c *cli) error {
	if err := checkSpan(v.From, v.To); err != nil {
		return err
	}
	f, err := open(ctx, c, muleaudit.Open)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	watched, stop := c.watch(ctx, "verify", c.function.unit)
	list, err := f.Verify(watched, muleaudit.VerifyOptions{
		From: v.From, To: v.To, Last: time.Duration(v.Last), Deleted: v.FeedDeletes, Deep: v.Deep,
	})
	stop()
	if err != nil {
		return err
	}
	defer c.sumUp(ctx, f)
	return c.show(muleauditVerified(list))
}

// organisation is what was looked at of one.
type organisation struct {
	// Org is its id.
	Org string `json:"org"`
	// From is the first moment that was looked at.
	From time.Time `json:"from"`
	// To is the first moment after it.
	To time.Time `json:"to"`
	// Slices counts the spans of time that objects hold.
	Slices int `json:"slices"`
	// Objects counts those that receipts name.
	Objects int `json:"objects"`
	// Read counts those of them whose content was read.
	Read int `json:"read"`
	// Gone counts those of them that are not there and may have been deleted by
	// the feed.
	Gone int `json:"gone"`
	// Events counts those in the objects.
	Events int64 `json:"events"`
	// APITotal is how many the API counts there now.
	APITotal int64 `json:"api_total"`
	// Forgotten counts the entries that the API had once and has no longer.
	Forgotten int64 `json:"forgotten"`
	// Accepted counts the entries that were rejected and accepted as lost.
	Accepted int64 `json:"accepted"`
	// Findings counts its findings.
	Findings int64 `json:"findings"`
}

type organisations []organisation

func muleauditVerified(list []muleaudit.Verified) *verifyAnswer {
	what := organisations{}
	a := newVerifyAnswer("muleaudit", nil)
	for _, o := range list {
		what = append(what, organisation{
			Org: o.Org, From: o.From, To: o.To, Slices: o.Slices, Objects: o.Objects, Read: o.Read, Gone: o.Gone,
			Events: o.Events, APITotal: o.APITotal, Forgotten: o.Forgotten, Accepted: o.Accepted, Findings: o.Found,
		})
		a.Join(o.FindingList)
		a.Receipts.add(o.Receipts)
	}
	a.NotLookedAt = append(a.NotLookedAt, notLookedAt(list)...)
	a.Checked = what
	return a
}

// notLookedAt says what was not looked at, once where that is the same of several
// organisations: there may be dozens.
func notLookedAt(list []muleaudit.Verified) (out []string) {
	orgs := map[string][]string{}
	var order []string
	for _, o := range list {
		all := o.Left
		if o.Gone > 0 {
			all = append(all[:len(all):len(all)], count(int64(o.Gone))+" objects that are there no more")
		}
		for _, left := range all {
			if orgs[left] == nil {
				order = append(order, left)
			}
			orgs[left] = append(orgs[left], o.Org)
		}
	}
	const named = 3
	for _, left := range order {
		whose := orgs[left]
		switch {
		case len(whose) == 1:
			out = append(out, whose[0]+" "+left)
		case len(whose) == len(list):
			out = append(out, "every organisation "+left)
		case len(whose) <= named:
			out = append(out, strings.Join(whose, ", ")+" "+left)
		default:
			out = append(out, fmt.Sprintf("%s and %d more %s", strings.Join(whose[:named], ", "), len(whose)-named, left))
		}
	}
	return out
}

func (list organisations) rows() [][]string {
	rows := [][]string{{"ORGANISATION", "FROM", "TO", "SLICES", "OBJECTS", "READ", "EVENTS", "API TOTAL", "FINDINGS"}}
	for _, o := range list {
		rows = append(rows, []string{
			o.Org, moment(o.From), moment(o.To), count(int64(o.Slices)),
			count(int64(o.Objects)), count(int64(o.Read)), count(o.Events), count(o.APITotal), count(o.Findings),
		})
	}
	return rows
}

func (list organisations) any() bool {
	return slices.ContainsFunc(list, func(o organisation) bool { return o.From.Before(o.To) })
}

func (list organisations) notes() (notes []string) {
	for _, o := range list {
		if o.Accepted > 0 {
			notes = append(notes, fmt.Sprintf("%s: %s entries in quarantine were accepted as lost", o.Org, count(o.Accepted)))
		}
		if o.Forgotten > 0 {
			notes = append(notes, fmt.Sprintf("%s: the API has %s entries no longer that it sent once", o.Org, count(o.Forgotten)))
		}
	}
	return notes
}
