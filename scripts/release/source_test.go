package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// repository is a Git repository of a test.
type repository struct {
	*testing.T
	dir string
}

func newRepository(t *testing.T) repository {
	t.Helper()
	r := repository{t, t.TempDir()}
	// Of the workflow that runs the test nothing may show.
	t.Setenv("GITHUB_REF_TYPE", "branch")
	r.git("init", "--quiet")
	return r
}

func (r repository) git(args ...string) string {
	r.Helper()
	out, err := git(r.Context(), r.dir, append([]string{"-c", "user.name=t", "-c", "user.email=t@example.com"}, args...)...)
	if err != nil {
		r.Fatal(err)
	}
	return out
}

func (r repository) write(name, text string) {
	r.Helper()
	path := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		r.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		r.Fatal(err)
	}
}

func (r repository) commit() { r.git("commit", "--quiet", "--allow-empty", "-m", "c") }

func (r repository) describe() source {
	r.Helper()
	s, err := describe(r.Context(), r.dir)
	if err != nil {
		r.Fatal(err)
	}
	return s
}

func (r repository) want(version, tag string) {
	r.Helper()
	s := r.describe()
	if !regexp.MustCompile("^"+version+"$").MatchString(s.version) || s.tag != tag || s.dirty != strings.HasSuffix(s.version, "-dirty") {
		r.Errorf("%+v, want version %s, tag %q", s, version, tag)
	}
}

func TestVersions(t *testing.T) {
	r := newRepository(t)
	r.commit()
	r.want("v0.0.0-1-g[0-9a-f]{12}", "")
	r.git("tag", "latest")
	r.git("tag", "v1.2") // no version of a module or an image
	r.want("v1.2-0-g[0-9a-f]{12}", "")
	r.git("tag", "v1.2.3-rc.1")
	r.want("v1.2.3-rc.1", "v1.2.3-rc.1")
	r.git("tag", "-m", "annotated", "v1.2.3")
	r.want("v1.2.3", "v1.2.3")
	r.write("new", "not yet added")
	r.want("v1.2.3-0-g[0-9a-f]{12}-dirty", "")
	r.git("add", "new")
	r.commit()
	r.want("v1.2.3-1-g[0-9a-f]{12}", "")
	if s := r.describe(); s.commit != r.git("rev-parse", "HEAD") || s.time < 1e9 {
		t.Errorf("%+v", s)
	}
}

// A workflow says which tag it runs for, and it has to be one of the commit.
func TestVersionOfWorkflow(t *testing.T) {
	r := newRepository(t)
	r.commit()
	r.git("tag", "v1.2.3")
	r.git("tag", "v1.3.0")
	t.Setenv("GITHUB_REF_TYPE", "tag")
	t.Setenv("GITHUB_REF_NAME", "v1.2.3")
	r.want("v1.2.3", "v1.2.3")
	r.commit()
	for _, name := range []string{"v1.2.3", "latest"} {
		t.Setenv("GITHUB_REF_NAME", name)
		if s, err := describe(t.Context(), r.dir); err == nil {
			t.Errorf("%s: %+v", name, s)
		}
	}
}
