package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/siemfeed/siemfeed/pkg/serve"
)

// suites are all that can be measured. A function adds a file and a line here.
func suites() []suite {
	return []suite{muleauditSuite(), gunzipcsvSuite(), slshecSuite(), trailtagsSuite(), reportSuite()}
}

// suite is what there is to measure of one function.
type suite struct {
	name  string
	build serve.New // the function, for a process of its own
	// floor is the unavoidable part of the function's work, done without the
	// function, for a process of its own.
	floor func(ctx context.Context) error
	cases []benchCase
}

// benchCase is one comparison. It adds its figures to the table.
type benchCase struct {
	name  string
	about string
	run   func(ctx context.Context, t *table) error
}

func run(ctx context.Context, all []suite, args []string) error {
	if len(args) == 0 {
		return errors.New("say what: list, all, a function, or function/case")
	}
	switch args[0] {
	case "child":
		return child(ctx, all, args[1:])
	case "list":
		for _, s := range all {
			for _, c := range s.cases {
				fmt.Printf("%-24s %s\n", s.name+"/"+c.name, c.about)
			}
		}
		return nil
	}
	t := newTable()
	var errs []error
	some := false
	for _, s := range all {
		for _, c := range s.cases {
			if !wanted(args, s.name, c.name) {
				continue
			}
			some = true
			fmt.Fprintf(os.Stderr, "%s/%s: %s …\n", s.name, c.name, c.about)
			t.group = s.name + "/" + c.name
			if err := c.run(ctx, t); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", t.group, err))
			}
		}
	}
	if !some {
		return fmt.Errorf("nothing is called %s: try list", strings.Join(args, ", "))
	}
	return errors.Join(append(errs, t.print(os.Stdout))...)
}

func wanted(args []string, suite, name string) bool {
	for _, a := range args {
		if a == "all" || a == suite || a == suite+"/"+name {
			return true
		}
	}
	return false
}

// find returns the suite called name.
func find(all []suite, name string) (suite, error) {
	for _, s := range all {
		if s.name == name {
			return s, nil
		}
	}
	return suite{}, fmt.Errorf("no function is called %q", name)
}
