package main

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// licenseFile is what a file with a module's licence is called
// (pkg.go.dev/license-policy).
var licenseFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying)([._-].*)?$`)

// enough is how much of such a file has to be a licence that is known, in percent.
const enough = 75

// licensesOf returns the licences of modules, by path, as far as they are known: from
// the files in the module cache, which has every module that was compiled. What only
// stands in the go.mod of an archive of source is left out, since a cache may have it
// or not.
func licensesOf(ctx context.Context, s source, modules []module) (map[string][]string, error) {
	args := []string{"list", "-mod=readonly", "-deps", "-f", "{{with .Module}}{{.Path}}\t{{.Dir}}{{end}}", "./functions/...", "./scripts/siemfeed", roots + "/bundle"}
	out, err := output(ctx, s.dir, []string{"GOOS=linux", "GOFLAGS=-tags=disable_grpc_modules", "GOWORK=off"}, "go", args...)
	if err != nil {
		return nil, err
	}
	dirs := map[string]string{}
	for line := range strings.Lines(out) {
		if path, dir, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok {
			dirs[path] = dir
		}
	}
	found := map[string][]string{standard: {"BSD-3-Clause"}}
	for _, m := range modules {
		if dir := dirs[m.path]; dir != "" {
			if found[m.path], err = licensesIn(dir); err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}

// licensesIn returns the SPDX identifiers of the licences in a module's root.
func licensesIn(dir string) ([]string, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, f := range files {
		if f.IsDir() || !licenseFile.MatchString(f.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			return nil, err
		}
		c := licensecheck.Scan(text)
		if c.Percent < enough {
			continue
		}
		for _, m := range c.Match {
			if !m.IsURL && !slices.Contains(ids, m.ID) {
				ids = append(ids, m.ID)
			}
		}
	}
	return ids, nil
}
