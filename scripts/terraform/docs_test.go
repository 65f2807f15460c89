package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The READMEs are what the code gives: make docs writes them.
func TestReadmesAreUpToDate(t *testing.T) {
	if err := run([]string{"docs", "-check"}, os.Stderr); err != nil {
		t.Error(err)
	}
}

// A module or stack that was changed and not documented is told of.
func TestStaleReadmeIsFound(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "modules", "m")
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("README.md", "# m\n\nWords.\n\n"+begin+"\n"+end+"\n\nMore words.\n")
	write("variables.tf", `variable "size" {
  description = "How large."
  type        = number
}`)
	for _, step := range []struct {
		write, changed bool
	}{{false, true}, {true, true}, {false, false}} {
		if changed, err := document(dir, step.write); err != nil || changed != step.changed {
			t.Fatalf("%+v: %v, %v", step, changed, err)
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil || !strings.HasPrefix(string(text), "# m\n\nWords.\n") || !strings.HasSuffix(string(text), "\n\nMore words.\n") || !strings.Contains(string(text), "| size | How large. |") {
		t.Errorf("%v\n%s", err, text)
	}
	write("variables.tf", `variable "weight" {
  description = "How heavy."
  type        = number
}`)
	if changed, err := document(dir, false); err != nil || !changed {
		t.Errorf("a renamed variable: %v, %v", changed, err)
	}
}

// Every directory has what a user looks for.
func TestEveryDirectoryIsWhole(t *testing.T) {
	dirs, err := directories(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		files := []string{"README.md", "variables.tf", "outputs.tf", "main.tf"}
		for _, test := range []string{"defaults", "wiring", "validation", "least_privilege"} {
			files = append(files, "tests/"+test+".tftest.hcl")
		}
		stack := filepath.Base(filepath.Dir(dir)) == "stacks"
		if stack {
			files = append(files, "terraform.tfvars.example", "providers.tf")
		}
		for _, name := range files {
			if _, err := os.Stat(filepath.Join(dir, name)); err != nil && !(name == "main.tf" && !stack) {
				t.Error(err)
			}
		}
		readme, err := os.ReadFile(filepath.Join(dir, "README.md"))
		if err != nil || !strings.ContainsAny(string(readme), "▶◀") {
			t.Errorf("%s: the README has no diagram", dir)
		}
		if !stack {
			continue
		}
		c, err := load(dir)
		if err != nil {
			t.Fatal(err)
		}
		outputs := map[string]bool{}
		for _, b := range c.of("output") {
			outputs[b.Labels[0]] = true
		}
		for _, name := range []string{"next_steps", "doctor_env", "logs_url", "dashboard_url", "verify_command"} {
			if !outputs[name] {
				t.Errorf("%s: no output %s", dir, name)
			}
		}
	}
}

// What it takes to deploy a resource has to be known before it is used.
func TestUnknownResourceIsFound(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.tf"), []byte(`resource "google_unheard_of" "x" {}`), 0o644); err != nil {
		t.Fatal(err)
	}
	all, err := loadAll(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := permissions(all); err == nil || !strings.Contains(err.Error(), "google_unheard_of") {
		t.Errorf("%v", err)
	}
	used := map[string]bool{}
	dirs, err := directories(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		all, err := loadAll(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range types(all) {
			used[kind] = true
		}
	}
	for kind := range toDeploy {
		if !used[kind] {
			t.Errorf("the table toDeploy has %s, which nothing uses", kind)
		}
	}
}
