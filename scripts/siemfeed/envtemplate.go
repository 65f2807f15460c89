package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/siemfeed/siemfeed/pkg/config"
)

type envCmd struct {
	Function functionName `arg:"" help:"Name of the function."`
}

// Run implements the command.
func (e *envCmd) Run() error {
	if err := known([]functionName{e.Function}); err != nil {
		return err
	}
	return writeTemplate(os.Stdout, e.Function, functions[e.Function].variables)
}

func names() (list []string) {
	for _, name := range slices.Sorted(maps.Keys(functions)) {
		list = append(list, string(name))
	}
	return list
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
