package main

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// directories lists the modules and stacks below root: whatever has a versions.tf.
func directories(root string) (out []string, err error) {
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == ".terraform":
			return fs.SkipDir
		case d.Name() == "versions.tf":
			out = append(out, filepath.Dir(path))
		}
		return nil
	})
	return out, err
}

// configuration is one directory of Terraform code.
type configuration struct {
	dir    string
	blocks []*hclsyntax.Block
}

// load parses the .tf files of dir.
func load(dir string) (*configuration, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.tf"))
	if err != nil {
		return nil, err
	}
	c := &configuration{dir: dir}
	parser := hclparse.NewParser()
	for _, name := range files {
		src, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		file, diags := parser.ParseHCL(src, name)
		if diags.HasErrors() {
			return nil, diags
		}
		body, ok := file.Body.(*hclsyntax.Body)
		if !ok {
			return nil, fmt.Errorf("%s is not in HCL's native syntax", name)
		}
		c.blocks = append(c.blocks, body.Blocks...)
	}
	return c, nil
}

// loadAll loads dir and the modules that it calls, each once.
func loadAll(dir string) (out []*configuration, err error) {
	seen := map[string]bool{}
	var visit func(string) error
	visit = func(dir string) error {
		if seen[dir] {
			return nil
		}
		seen[dir] = true
		c, err := load(dir)
		if err != nil {
			return err
		}
		out = append(out, c)
		for _, called := range c.calls() {
			if err := visit(called); err != nil {
				return err
			}
		}
		return nil
	}
	return out, visit(filepath.Clean(dir))
}

// calls lists the directories of the modules that c calls, sorted.
func (c *configuration) calls() (out []string) {
	for _, b := range c.of("module") {
		source, ok := text(b.Body.Attributes["source"])
		if ok && strings.HasPrefix(source, ".") {
			out = append(out, filepath.Join(c.dir, source))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// of lists the blocks of a type, such as resource.
func (c *configuration) of(kind string) (out []*hclsyntax.Block) {
	for _, b := range c.blocks {
		if b.Type == kind {
			out = append(out, b)
		}
	}
	return out
}

// variable returns the block of a variable, nil if there is none.
func (c *configuration) variable(name string) *hclsyntax.Block {
	for _, b := range c.of("variable") {
		if b.Labels[0] == name {
			return b
		}
	}
	return nil
}

// text is the value of an attribute that is a plain string.
func text(a *hclsyntax.Attribute) (string, bool) {
	if a == nil {
		return "", false
	}
	return literal(a.Expr)
}

// literal is the value of an expression that is a string without a template.
func literal(e hclsyntax.Expression) (string, bool) {
	v, diags := e.Value(nil)
	if diags.HasErrors() || v.IsNull() || v.Type() != cty.String {
		return "", false
	}
	return v.AsString(), true
}

// literals lists the plain strings anywhere in a node.
func literals(n hclsyntax.Node) (out []string) {
	_ = hclsyntax.VisitAll(n, func(n hclsyntax.Node) hcl.Diagnostics {
		if e, ok := n.(*hclsyntax.TemplateExpr); ok {
			if s, ok := literal(e); ok {
				out = append(out, s)
			}
		}
		return nil
	})
	return out
}

// literals lists the plain strings anywhere in a node, and in the locals that it
// names.
func (c *configuration) literals(n hclsyntax.Node) []string {
	out := literals(n)
	_ = hclsyntax.VisitAll(n, func(n hclsyntax.Node) hcl.Diagnostics {
		if e, ok := n.(*hclsyntax.ScopeTraversalExpr); ok && e.Traversal.RootName() == "local" && len(e.Traversal) > 1 {
			if name, ok := e.Traversal[1].(hcl.TraverseAttr); ok {
				for _, b := range c.of("locals") {
					if a, ok := b.Body.Attributes[name.Name]; ok {
						out = append(out, c.literals(a.Expr)...) // no local names itself
					}
				}
			}
		}
		return nil
	})
	return out
}

// types lists the types of the resources and data sources of all, those of data
// with "data." before them, sorted.
func types(all []*configuration) []string {
	seen := map[string]bool{}
	for _, c := range all {
		for _, b := range c.of("resource") {
			seen[b.Labels[0]] = true
		}
		for _, b := range c.of("data") {
			seen["data."+b.Labels[0]] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}
