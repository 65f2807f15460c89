package main

import (
	"fmt"
	"io"
)

type envCmd struct {
	Function functionName `arg:"" help:"Name of the function."`
}

// Run implements the command.
func (e *envCmd) Run(c *cli) error {
	f, err := c.find(e.Function)
	if err != nil {
		return err
	}
	a := &envAnswer{Function: f.name, Variables: []variable{}}
	for _, v := range f.variables {
		a.Variables = append(a.Variables, variable{v.Name, v.Default, v.Help, v.Required, v.Secret})
	}
	return c.show(a)
}

// envAnswer is what a function is configured by.
type envAnswer struct {
	header
	// Function is the function that takes the variables.
	Function functionName `json:"function"`
	// Variables are all that it takes.
	Variables []variable `json:"variables"`
}

// variable is one variable of the environment.
type variable struct {
	// Name is the variable.
	Name string `json:"name"`
	// Default is what it counts as where it is not set.
	Default string `json:"default"`
	// Help says what it is for.
	Help string `json:"help"`
	// Required tells that the function does not start without it.
	Required bool `json:"required"`
	// Secret tells that its value is never printed.
	Secret bool `json:"secret"`
}

func (e *envAnswer) kind() string { return "env" }
func (e *envAnswer) found() bool  { return false }

// text writes an env file: what is required without a value, the rest as comments
// with their defaults.
func (e *envAnswer) text(w io.Writer) {
	_, _ = fmt.Fprintf(w, "# %s, for siemfeed --env-file. What has no # before it is required.\n", e.Function)
	for _, v := range e.Variables {
		mark := "#"
		if v.Required {
			mark = ""
		}
		_, _ = fmt.Fprintf(w, "\n# %s\n%s%s=%s\n", v.Help, mark, v.Name, v.Default)
	}
}
