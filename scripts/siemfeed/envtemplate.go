package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/siemfeed/siemfeed/pkg/config"
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
	return writeTemplate(c.stdout, f.name, f.variables)
}

// writeTemplate writes an env file of vars: what is required without a value,
// the rest as comments with their defaults.
func writeTemplate(w io.Writer, name functionName, vars []config.Variable) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s, for siemfeed --env-file. What has no # before it is required.\n", name)
	for _, v := range vars {
		mark := "#"
		if v.Required {
			mark = ""
		}
		fmt.Fprintf(&b, "\n# %s\n%s%s=%s\n", v.Help, mark, v.Name, v.Default)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
