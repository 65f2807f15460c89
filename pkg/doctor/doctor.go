// Package doctor checks, before the first run and whenever something is odd,
// that a function can do its work where it is: one line a check, each with
// what is behind a problem, and with what to do about it.
package doctor

import (
	"context"
	"fmt"
	"time"

	"github.com/siemfeed/siemfeed/pkg/cause"
)

// Check is the outcome of one check.
type Check struct {
	Name   string
	Detail string // what was found
	// Problem is nil when all is well.
	Problem error
	Code    cause.Code // what is behind the problem
	Fix     string     // what to do about it
}

// OK tells whether the check passed.
func (c Check) OK() bool { return c.Problem == nil }

// Passed returns a check that passed.
func Passed(name, format string, args ...any) Check {
	return Check{Name: name, Detail: fmt.Sprintf(format, args...)}
}

// Failed returns a check that found what is not as it has to be, where the one
// who checks knows what to do. What a call failed with is a [Subject]'s to judge.
func Failed(name string, code cause.Code, problem error, fix string) Check {
	return Check{Name: name, Problem: problem, Code: code, Fix: fix}
}

// patience is how long a question may take, with all its retries: who waits for
// a doctor wants to hear of trouble rather than that it is over.
const patience = 20 * time.Second

// Examiner asks questions, each of which ends after a while.
type Examiner struct{ patience time.Duration }

// New returns an examiner that waits no longer for an answer than a run does,
// whose budget this is.
func New(budget time.Duration) Examiner { return Examiner{min(patience, budget)} }

// With returns an examiner that waits longer: as long as a question may have to
// wait on this side before it is put.
func (x Examiner) With(wait time.Duration) Examiner { return Examiner{x.patience + wait} }

// Ask puts one question about s. detail is what it found.
func (x Examiner) Ask(ctx context.Context, s Subject, name string, question func(context.Context) (detail string, err error)) Check {
	ctx, cancel := x.limit(ctx)
	defer cancel()
	detail, err := question(ctx)
	if err != nil {
		return s.Failed(name, err)
	}
	return Passed(name, "%s", detail)
}

// Patience is how long a question may take.
func (x Examiner) Patience() time.Duration { return x.patience }

func (x Examiner) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, x.patience)
}
