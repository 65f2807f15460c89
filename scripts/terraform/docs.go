package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/terraform-docs/terraform-docs/format"
	settings "github.com/terraform-docs/terraform-docs/print"
	"github.com/terraform-docs/terraform-docs/terraform"
)

// Between these stands what is made from the code.
const (
	begin = "<!-- made from the code by make docs: begin -->"
	end   = "<!-- end -->"
)

// link is one to a provider's documentation, which is that of the latest version
// and not of the one in use.
var link = regexp.MustCompile(`\[([^\]]+)\]\(https://registry[^)]*\)`)

// document brings the README of dir up to date, and tells whether it was not. It
// writes it only if it shall.
func document(dir string, write bool) (changed bool, err error) {
	path := filepath.Join(dir, "README.md")
	old, err := os.ReadFile(path)
	if err != nil {
		return false, err
	}
	before, rest, found := strings.Cut(string(old), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return false, fmt.Errorf("README.md lacks %q or %q", begin, end)
	}
	made, err := reference(dir)
	if err != nil {
		return false, err
	}
	fresh := []byte(before + begin + "\n\n" + made + "\n" + end + after)
	if bytes.Equal(old, fresh) {
		return false, nil
	}
	if !write {
		return true, nil
	}
	return true, os.WriteFile(path, fresh, 0o644)
}

// reference is what the code of dir gives.
func reference(dir string) (string, error) {
	made, err := tables(dir)
	if err != nil {
		return "", err
	}
	if filepath.Base(filepath.Dir(dir)) != "stacks" {
		return made, nil
	}
	all, err := loadAll(dir)
	if err != nil {
		return "", err
	}
	needed, err := permissions(all)
	if err != nil {
		return "", err
	}
	return made + "\n" + needed, nil
}

// tables has requirements, resources, inputs and outputs.
func tables(dir string) (string, error) {
	config := settings.DefaultConfig()
	config.ModuleRoot = dir
	config.Formatter = "markdown table"
	config.Sections.Header = false
	config.Sections.Providers = false
	config.Settings.Anchor = false
	config.Settings.Escape = false
	config.Settings.HTML = false
	config.Settings.LockFile = false
	module, err := terraform.LoadWithOptions(config)
	if err != nil {
		return "", err
	}
	formatter, err := format.New(config)
	if err != nil {
		return "", err
	}
	if err := formatter.Generate(module); err != nil {
		return "", err
	}
	return strings.TrimSpace(link.ReplaceAllString(formatter.Content(), "$1")) + "\n", nil
}
