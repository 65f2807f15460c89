package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/siemfeed/siemfeed/pkg/cause"
	"github.com/siemfeed/siemfeed/pkg/config"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

// answer is what a command found out. It goes to standard output as text for
// people or, with --output json, as one document for programs. The fields of the
// documents are a promise: what each means is in answers.schema.json, which is
// made of these types, and a field that goes or changes is a new version.
type answer interface {
	// kind names the document, as siemfeed.<kind>/v1.
	kind() string
	// text writes the answer for people: what is to be seen to first.
	text(w io.Writer)
	// found tells whether there are findings.
	found() bool
	head() *header
}

// header is what every document begins with.
type header struct {
	// Schema names the document and the version of its fields.
	Schema string `json:"schema,omitempty"`
	// Exit is how the command ended: done, findings or failed, for which the
	// process ends with 0, 1 or 2.
	Exit string `json:"exit"`
	// Error is why it failed. What else the document says is what was done before.
	Error *failure `json:"error,omitempty"`
}

func (h *header) head() *header { return h }

// failure is why a command failed.
type failure struct {
	// Code is a word that stays the same while texts change.
	Code cause.Code `json:"code"`
	// Message says what failed, and what to do.
	Message string `json:"message"`
}

// What a failure can be, besides what package cause tells of what is behind an
// error.
const (
	failedUsage       cause.Code = "usage"       // the command line is wrong
	failedInterrupted cause.Code = "interrupted" // the command was told to end
)

// usageError is a fault of the command line that only the command can see.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func failureOf(err error) *failure {
	code := cause.Of(err)
	var usage usageError
	var faults config.Faults
	switch {
	case errors.As(err, &usage):
		code = failedUsage
	case errors.As(err, &faults), code == cause.Unknown && retry.IsPermanent(err):
		code = cause.Misconfigured
	case errors.Is(err, context.Canceled):
		code = failedInterrupted
	}
	return &failure{code, err.Error()}
}

// errorAnswer is the document of a command that failed before it found anything
// out.
type errorAnswer struct{ header }

func (*errorAnswer) kind() string   { return "error" }
func (*errorAnswer) text(io.Writer) {}
func (*errorAnswer) found() bool    { return false }

// outputs are the values of --output.
const (
	outputText = "text"
	outputJSON = "json"
)

// asksForJSON tells of args, which may be wrong, whether they ask for JSON.
func asksForJSON(args []string) bool {
	for i, arg := range args {
		if (arg == "-o" || arg == "--output") && slices.Contains(args[i+1:min(i+2, len(args))], outputJSON) {
			return true
		}
		if value, ok := strings.CutPrefix(arg, "--output="); ok && value == outputJSON || arg == "-ojson" {
			return true
		}
	}
	return false
}

// show prints what a command found out, and returns errFindings if there are any.
// As JSON it is printed once it is known how the command ended, by finish.
func (c *cli) show(a answer) error {
	switch {
	case c.Output == outputJSON:
		c.shown = a
	case !c.Quiet:
		w := bufio.NewWriter(c.stdout)
		a.text(w)
		if err := w.Flush(); err != nil {
			return err
		}
	}
	if a.found() {
		return errFindings
	}
	return nil
}

// finish prints as JSON what was shown last, with what came of the command, or
// of one round of a command that goes on. It does nothing in text.
func (c *cli) finish(err error) error {
	if c.Output != outputJSON || c.printed || c.shown == nil && err == nil {
		return nil
	}
	a := c.shown
	c.shown = nil
	if a == nil {
		a = &errorAnswer{}
	}
	*a.head() = ending(err)
	a.head().Schema = schemaOf(a.kind())
	return json.NewEncoder(c.stdout).Encode(a)
}

// schemaOf names the document of a kind.
func schemaOf(kind string) string { return "siemfeed." + kind + "/v1" }

// ending is how a command ended.
func ending(err error) header {
	h := header{Exit: exits[exitOf(err)]}
	if exitOf(err) == exitFailed {
		h.Error = failureOf(err)
	}
	return h
}

// textOnly is in a command that answers nothing that a program could read.
type textOnly struct{}

// AfterApply is called by kong before the command runs.
func (textOnly) AfterApply(c *cli) error {
	if c.Output == outputJSON {
		return usageError{errors.New("--output json: this command has no answer but text")}
	}
	return nil
}
