// Package configtest holds a function's README to its configuration.
package configtest

import (
	"os"
	"strings"
	"testing"

	"github.com/siemfeed/siemfeed/pkg/config"
)

// Readme checks that the README at path has a table row for every variable of
// T, in the form "| `NAME` | default | …", and that the row tells the default,
// or that the variable is required.
func Readme[T any](t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "| `"); ok {
			if name, row, ok := strings.Cut(rest, "` |"); ok {
				rows[name] = row
			}
		}
	}
	for _, v := range config.Variables[T]() {
		row, ok := rows[v.Name]
		switch {
		case !ok:
			t.Errorf("%s is not in the table of %s", v.Name, path)
		case v.Required && !strings.Contains(row, "required"):
			t.Errorf("%s does not say that %s is required", path, v.Name)
		case v.Default != "" && !strings.Contains(row, "`"+v.Default+"`"):
			t.Errorf("%s does not say that %s defaults to %s", path, v.Name, v.Default)
		}
	}
}
