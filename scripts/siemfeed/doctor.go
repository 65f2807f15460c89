package main

import (
	"context"
	"fmt"
	"io"

	"github.com/siemfeed/siemfeed/pkg/cause"
	"github.com/siemfeed/siemfeed/pkg/doctor"
	"github.com/siemfeed/siemfeed/pkg/serve"
)

// checkable is a function that can look whether it can do its work.
type checkable interface {
	serve.Function
	Doctor(ctx context.Context) []doctor.Check
}

// doctorFunction has a function look whether it can do its work.
type doctorFunction struct {
	open func(ctx context.Context, c *cli) (checkable, error)
}

func doctorOf[F checkable](build builder[F]) *doctorFunction {
	return &doctorFunction{func(ctx context.Context, c *cli) (checkable, error) { return open(ctx, c, build) }}
}

// Run implements the command.
func (d *doctorFunction) Run(ctx context.Context, c *cli) error {
	f, err := d.open(ctx, c)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	checks := f.Doctor(ctx)
	if ctx.Err() != nil { // what failed then says nothing
		return ctx.Err()
	}
	return c.show(newDoctorAnswer(c.function.name, checks))
}

// doctorAnswer is what checks came to.
type doctorAnswer struct {
	header
	// Function is the function whose surroundings were checked.
	Function functionName `json:"function"`
	// Failed counts the checks that failed.
	Failed int `json:"failed"`
	// Checks are all that were made, those that failed first.
	Checks []check `json:"checks"`
}

// check is the outcome of one check.
type check struct {
	// Name says what was checked.
	Name string `json:"name"`
	// OK tells whether it passed.
	OK bool `json:"ok"`
	// Detail is what was found where it passed.
	Detail string `json:"detail,omitempty"`
	// Problem is what is wrong.
	Problem string `json:"problem,omitempty"`
	// Code is what is behind it, in a word that stays the same.
	Code cause.Code `json:"code,omitempty"`
	// Fix is what to do about it.
	Fix string `json:"fix,omitempty"`
}

func newDoctorAnswer(name functionName, all []doctor.Check) *doctorAnswer {
	d := &doctorAnswer{Function: name, Checks: []check{}}
	for _, c := range all {
		if !c.OK() {
			d.Failed++
			d.Checks = append(d.Checks, check{Name: c.Name, Problem: c.Problem.Error(), Code: c.Code, Fix: c.Fix})
		}
	}
	for _, c := range all {
		if c.OK() {
			d.Checks = append(d.Checks, check{Name: c.Name, OK: true, Detail: c.Detail})
		}
	}
	return d
}

func (d *doctorAnswer) kind() string { return "doctor" }
func (d *doctorAnswer) found() bool  { return d.Failed > 0 }

func (d *doctorAnswer) text(w io.Writer) {
	for _, c := range d.Checks {
		if c.OK {
			_, _ = fmt.Fprintf(w, "ok    %s: %s\n", c.Name, c.Detail)
		} else {
			_, _ = fmt.Fprintf(w, "FAIL  %s: %s; fix: %s\n", c.Name, c.Problem, c.Fix)
		}
	}
	if d.Failed > 0 {
		_, _ = fmt.Fprintf(w, "%d of %d checks failed\n", d.Failed, len(d.Checks))
		return
	}
	_, _ = fmt.Fprintf(w, "all %d checks passed\n", len(d.Checks))
}
