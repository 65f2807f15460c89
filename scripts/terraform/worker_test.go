package main

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// What worker.js reads of its environment: by name, or through its helper seconds.
var workerReads = regexp.MustCompile(`(?:env\.|seconds\(")([A-Z][A-Z_]+)`)

// The pushing Worker is given the variables that it reads, and no others; the token
// as a secret, and by name, so that a plan does not put them into another order.
func TestWorkerIsGivenWhatItReads(t *testing.T) {
	code, err := os.ReadFile("../../functions/gunzipcsv/worker/worker.js")
	if err != nil {
		t.Fatal(err)
	}
	read := map[string]bool{}
	for _, m := range workerReads.FindAllStringSubmatch(string(code), -1) {
		read[m[1]] = true
	}
	c, err := load(filepath.Join(root, "modules", "r2-logs"))
	if err != nil {
		t.Fatal(err)
	}
	var given []string
	for _, b := range c.of("resource") {
		if b.Labels[0] != "cloudflare_workers_script" {
			continue
		}
		for _, s := range literals(b.Body.Attributes["bindings"].Expr) {
			if upper.MatchString(s) {
				given = append(given, s)
			}
		}
	}
	if want := slices.Sorted(maps.Keys(read)); len(want) < 2 || !slices.Equal(given, want) {
		t.Errorf("the Worker is given %v, and reads %v", given, want)
	}
}
