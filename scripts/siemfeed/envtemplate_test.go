package main

import (
	"regexp"
	"testing"
)

// A template is an env file as it stands, with just what is required; with its
// marks taken away it sets every variable to its default.
func TestTemplate(t *testing.T) {
	mark := regexp.MustCompile(`(?m)^#([A-Z][A-Z0-9_]*=)`)
	for _, f := range functions() {
		name := f.name
		_, text, _ := inProcess(t, functions(), "env", string(name))
		as, err := parseEnv(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all, err := parseEnv(mark.ReplaceAllString(text, "$1"))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(f.variables) < 10 || len(all) != len(f.variables) {
			t.Errorf("%s: %d of %d variables", name, len(all), len(f.variables))
		}
		for _, v := range f.variables {
			if got, ok := all[v.Name]; !ok || got != v.Default || v.Help == "" {
				t.Errorf("%s: %s is %q, %v, with help %q, want %q", name, v.Name, got, ok, v.Help, v.Default)
			}
			if _, ok := as[v.Name]; ok != v.Required {
				t.Errorf("%s: %s is set: %v, required: %v", name, v.Name, ok, v.Required)
			}
		}
	}
}
