package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// table is what the cases found.
type table struct {
	group string // of the rows to come
	rows  []row
}

// row is one figure. Beside is what it is compared with, ratio the figure
// divided by that.
type row struct {
	group, what, figure, beside, ratio, goal string
	met                                      *bool // nil: no goal
}

func newTable() *table { return new(table) }

// add adds a figure without a goal.
func (t *table) add(what, figure string) *row {
	t.rows = append(t.rows, row{group: t.group, what: what, figure: figure})
	return &t.rows[len(t.rows)-1]
}

// against names what the figure is compared with, and their ratio.
func (r *row) against(what string, ratio float64) *row {
	r.beside, r.ratio = what, fmt.Sprintf("%.2f", ratio)
	return r
}

// want sets a goal and whether it is met.
func (r *row) want(goal string, met bool) *row {
	r.goal, r.met = goal, &met
	return r
}

func (t *table) print(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(tw, "case\tfigure\t\tbeside it\tratio\tgoal\t")
	group := ""
	for _, r := range t.rows {
		if r.group == group {
			r.group = ""
		} else {
			group = r.group
		}
		verdict := ""
		if r.met != nil {
			verdict = map[bool]string{true: "met", false: "MISSED"}[*r.met]
		}
		_, _ = fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.group, r.what, r.figure, r.beside, r.ratio, r.goal, verdict)
	}
	return tw.Flush()
}

func mib(n uint64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }
