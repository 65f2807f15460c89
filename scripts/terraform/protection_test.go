package main

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// What is protected is destroyed only after protect was turned off and applied. No
// test of Terraform's own can expect a destroy to fail.
func TestProtectedIsNotDestroyed(t *testing.T) {
	program := cmp.Or(os.Getenv("TERRAFORM"), look("terraform"), look("tofu"))
	if program == "" {
		t.Skip("neither terraform nor tofu is here")
	}
	code, err := os.ReadFile(filepath.Join(root, "modules", "fc-function", "protection", "main.tf"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.tf"), code, 0o600); err != nil {
		t.Fatal(err)
	}
	terraform := func(args ...string) (string, error) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), program, append([]string{"-chdir=" + dir}, args...)...)
		cmd.Env = append(os.Environ(), "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	const on, off = "-var=protect=true", "-var=protect=false"
	logs, others := `-var=logstores=["p/logs"]`, `-var=logstores=["p/others"]`
	for _, step := range []struct {
		what    string
		args    []string
		refused bool
	}{
		{"init", []string{"init", "-input=false"}, false},
		{"made", []string{"apply", "-auto-approve", on, logs}, false},
		{"destroyed", []string{"destroy", "-auto-approve", on, logs}, true},
		{"destroyed with protect off, but not applied", []string{"destroy", "-auto-approve", off, logs}, true},
		{"renamed", []string{"apply", "-auto-approve", on, others}, true},
		{"turned off", []string{"apply", "-auto-approve", off, logs}, false},
		{"turned on again", []string{"apply", "-auto-approve", on, logs}, false},
		{"destroyed again", []string{"destroy", "-auto-approve", on, logs}, true},
		{"turned off again", []string{"apply", "-auto-approve", off, logs}, false},
		{"destroyed after that", []string{"destroy", "-auto-approve", off, logs}, false},
	} {
		out, err := terraform(step.args...)
		if (err != nil) != step.refused || step.refused && !strings.Contains(out, "p/logs are protected") {
			t.Fatalf("%s: %v\n%s", step.what, err, out)
		}
	}
}

// A destroy that is refused has taken nothing down: all that the module makes goes
// after what refuses.
func TestProtectionGoesFirst(t *testing.T) {
	c, err := load(filepath.Join(root, "modules", "fc-function"))
	if err != nil {
		t.Fatal(err)
	}
	made := map[string]*hclsyntax.Block{}
	for _, r := range c.of("resource") {
		made[r.Labels[0]+"."+r.Labels[1]] = r
	}
	after := map[string]bool{}
	var visit func(*hclsyntax.Block)
	visit = func(b *hclsyntax.Block) {
		_ = hclsyntax.VisitAll(b.Body, func(n hclsyntax.Node) hcl.Diagnostics {
			e, ok := n.(*hclsyntax.ScopeTraversalExpr)
			if !ok || len(e.Traversal) < 2 {
				return nil
			}
			if step, ok := e.Traversal[1].(hcl.TraverseAttr); ok {
				id := e.Traversal.RootName() + "." + step.Name
				if r := made[id]; r != nil && !after[id] {
					after[id] = true
					visit(r)
				}
			}
			return nil
		})
	}
	for _, b := range c.of("module") {
		if b.Labels[0] == "protection" {
			visit(b)
		}
	}
	for id := range made {
		if !after[id] {
			t.Errorf("%s would be destroyed beside what protects logstores: name it, or what depends on it, in depends_on", id)
		}
	}
}

// look is where a program is, empty if it is nowhere.
func look(name string) string {
	path, _ := exec.LookPath(name)
	return path
}
