package main

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// stacksOf are those that deploy each function.
var stacksOf = map[string][]string{
	"muleaudit": {"mulesoft-to-secops"},
	"gunzipcsv": {"r2-to-csv", "s3-to-csv"},
	"slshec":    {"sls-to-splunk", "sls-to-splunk-fc"},
	"trailtags": {"actiontrail-tags"},
}

// told is a row of SECURITY.md's tables.
type told struct {
	what []string // sorted
	by   string   // the resource that grants it, or "by hand"
}

const byHand = "by hand"

// permissionTables reads the rows of each function's table.
func permissionTables(t *testing.T) map[string][]told {
	t.Helper()
	text, err := os.ReadFile("../../.github/SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]told{}
	for section := range strings.SplitSeq(string(text), "\n### ") {
		name, rows, _ := strings.Cut(section, "\n")
		if _, known := stacksOf[name]; !known {
			continue
		}
		for line := range strings.SplitSeq(rows, "\n") {
			cells := strings.Split(strings.Trim(line, "| "), " | ")
			if len(cells) != 4 || cells[0] == "who" || strings.HasPrefix(cells[0], "-") {
				continue
			}
			what := strings.Split(strings.ReplaceAll(cells[1], "`", ""), ", ")
			slices.Sort(what)
			out[name] = append(out[name], told{what, strings.Trim(cells[3], "`")})
		}
	}
	return out
}

func (r told) String() string { return r.by + ": " + strings.Join(r.what, ", ") }

// SECURITY.md says what each function's stacks grant, all of it and no more.
func TestSecurityTellsWhatStacksGrant(t *testing.T) {
	all := permissionTables(t)
	deployed := map[string]bool{}
	for function, stacks := range stacksOf {
		granted := map[string]bool{}
		for _, s := range stacks {
			deployed[s] = true
			list, err := loadAll(filepath.Join("..", "..", "terraform", "stacks", s))
			if err != nil {
				t.Fatal(err)
			}
			for _, g := range grants(list) {
				what := slices.DeleteFunc(slices.Clone(g.what), func(a string) bool { return strings.HasPrefix(a, "aws:") }) // of a condition
				granted[told{what, g.by}.String()] = true
			}
		}
		said := map[string]bool{}
		for _, row := range all[function] {
			if row.by != byHand {
				said[row.String()] = true
			}
		}
		for g := range granted {
			if !said[g] {
				t.Errorf("%s: SECURITY.md does not say %s", function, g)
			}
		}
		for s := range said {
			if !granted[s] {
				t.Errorf("%s: SECURITY.md says what no stack grants: %s", function, s)
			}
		}
	}
	stacks, err := os.ReadDir("../../terraform/stacks")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range stacks {
		if !deployed[s.Name()] {
			t.Errorf("the stack %s is of no function: %v", s.Name(), slices.Collect(maps.Keys(deployed)))
		}
	}
}

// action is an action of a cloud's, in text.
var action = regexp.MustCompile(`\b(log|oss|tag|ecs|slb|sts|ram|s3|sqs|kms|fc):[A-Z][a-z][A-Za-z]+`)

// notices are events that look like actions.
var notices = []string{"s3:ObjectCreated"}

// What a function's README asks for, SECURITY.md has; what is granted by hand, the
// README asks for.
func TestSecurityTellsWhatREADMEsAskFor(t *testing.T) {
	for function, rows := range permissionTables(t) {
		text, err := os.ReadFile(filepath.Join("..", "..", "functions", function, "README.md"))
		if err != nil {
			t.Fatal(err)
		}
		asked := map[string]bool{}
		for _, a := range action.FindAllString(string(text), -1) {
			asked[a] = !slices.Contains(notices, a)
		}
		said, hand := map[string]bool{}, 0
		for _, row := range rows {
			for _, a := range row.what {
				said[a] = true
				if row.by != byHand {
					continue
				}
				hand++
				if action.MatchString(a) && !asked[a] {
					t.Errorf("%s: %s is granted by hand, and its README does not ask for it", function, a)
				}
			}
		}
		for a, is := range asked {
			if is && !said[a] {
				t.Errorf("%s: its README asks for %s, and SECURITY.md does not say so", function, a)
			}
		}
		if hand == 0 {
			t.Errorf("%s: nothing is granted by hand", function)
		}
	}
	if n := len(permissionTables(t)); n != len(stacksOf) {
		t.Errorf("SECURITY.md has tables of %d functions", n)
	}
}
