package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/siemfeed/siemfeed/pkg/receipt"
)

var (
	message = regexp.MustCompile(`(?:message *= *\\"|record *= "|\\"message\\":\\")([a-z ]+)`)
	field   = regexp.MustCompile(`(?:jsonPayload|\$)\.((?:receipt|verify)\.[a-z_]+)`)
	column  = regexp.MustCompile(`field = "([a-z_]+)"`)  // of the receipt
	word    = regexp.MustCompile(`\\"(status|code)\\":`) // of the receipt, found as text
)

// What alerts look for in the log is what functions write there.
func TestAlertsReadWhatIsWritten(t *testing.T) {
	written := source(t, "../../pkg")
	known := map[string]bool{}
	lag := 0.0
	for name, v := range map[string]any{
		"receipt": receipt.Core{LagSeconds: &lag, Error: "x", Code: receipt.Misconfigured},
		"verify":  receipt.NewVerified(),
	} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(text, &fields); err != nil {
			t.Fatal(err)
		}
		for f := range fields {
			known[name+"."+f] = true
		}
	}
	for _, module := range []string{"pipeline-alerts", "s3-logs", "fc-function"} {
		files, err := filepath.Glob(filepath.Join(root, "modules", module, "*.tf"))
		if err != nil {
			t.Fatal(err)
		}
		records, fields := 0, 0
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range message.FindAllStringSubmatch(string(text), -1) {
				if records++; !strings.Contains(written, `"`+m[1]+`"`) {
					t.Errorf("%s looks for the record %q, which no function writes", name, m[1])
				}
			}
			var read []string
			for _, m := range field.FindAllStringSubmatch(string(text), -1) {
				read = append(read, m[1])
			}
			for _, m := range append(column.FindAllStringSubmatch(string(text), -1), word.FindAllStringSubmatch(string(text), -1)...) {
				read = append(read, "receipt."+m[1])
			}
			for _, f := range read {
				if fields++; !known[f] {
					t.Errorf("%s reads %s, which no record has", name, f)
				}
			}
		}
		if records < 2 || fields < 2 {
			t.Errorf("%s: %d records and %d fields are read", module, records, fields)
		}
	}
}

// source is all Go code below dir but its tests.
func source(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		b.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
