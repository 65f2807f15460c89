package main

import (
	"debug/buildinfo"
	"fmt"
	"go/parser"
	"go/token"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/pkg/proctest"
)

// TestBuildpackBuildsAndServes does with the archive what Google's Go buildpack
// does, and has the program serve one event.
func TestBuildpackBuildsAndServes(t *testing.T) {
	_, contents := packaged(t, "-version", release, "muleaudit")
	bin := build(t, contents)

	const n = 500
	output := t.TempDir()
	p := proctest.Start(t, bin, sourceOf(t, n, map[string]string{
		"FUNCTION_TARGET": "muleaudit", "LOCAL_ONLY": "true", "OUTPUT_URL": "file://" + output,
	}))

	// Scheduler's message as Eventarc delivers it; "e30=" is {}.
	status, body, err := p.Post(t.Context(), `{"message":{"data":"e30=","messageId":"1"},"subscription":"projects/p/subscriptions/s"}`, map[string]string{
		"Content-Type":   "application/json",
		"ce-specversion": "1.0",
		"ce-id":          "1",
		"ce-source":      "//pubsub.googleapis.com/projects/p/topics/t",
		"ce-type":        "google.cloud.pubsub.topic.v1.messagePublished",
	})
	if err != nil {
		t.Fatal(err)
	}
	if status != http.StatusOK {
		t.Errorf("answered %d", status)
	}
	checkReceipt(t, body, n)
	objects, err := filepath.Glob(filepath.Join(output, "*", "*", "*", "mulesoft-audit-org-1-*.json.gz"))
	if err != nil || len(objects) == 0 {
		t.Errorf("no objects: %v", err)
	}
	if err := p.Stop(syscall.SIGTERM, time.Minute); err != nil {
		t.Error(err)
	}
}

// sourceDir is where the buildpack moves what it is given.
const sourceDir = "serverless_function_source_code"

// build follows the buildpack (GoogleCloudPlatform/buildpacks,
// cmd/go/functions_framework/lib and cmd/go/build/lib): it generates a program
// in a package of the module, tidies, and builds with the variables of the
// project descriptor.
func build(t *testing.T, contents map[string][]byte) string {
	t.Helper()
	app := t.TempDir()
	src := filepath.Join(app, sourceDir)
	for name, data := range contents {
		if err := write(filepath.Join(src, filepath.FromSlash(name)), data); err != nil {
			t.Fatal(err)
		}
	}
	const main = "functions.local/app"
	if err := write(filepath.Join(src, main, "main.go"), []byte(generate(t, src))); err != nil {
		t.Fatal(err)
	}
	// As elsewhere in the tests, without cgo and paths: one compiled copy of the
	// dependencies is enough.
	env := append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0", "GOFLAGS="+described(t, contents, "GOFLAGS")+" -trimpath")
	command(t, src, env, "go", "mod", "tidy")
	bin := filepath.Join(app, "main")
	command(t, src, env, "go", "build", "-o", bin, "-ldflags", described(t, contents, "GOOGLE_GOLDFLAGS"), filepath.Join(src, main))

	info, err := buildinfo.ReadFile(bin)
	if err != nil {
		t.Fatal(err)
	}
	for _, dep := range info.Deps {
		if strings.HasPrefix(dep.Path, "github.com/envoyproxy/") {
			t.Errorf("%s is in the program: GOFLAGS had no effect", dep.Path)
		}
	}
	return bin
}

// generate returns the main.go that the buildpack makes for the module in src.
func generate(t *testing.T, src string) string {
	t.Helper()
	root, err := parser.ParseFile(token.NewFileSet(), filepath.Join(src, "function.go"), nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	if root.Name.Name == "main" {
		t.Fatal("the buildpack refuses a root package main")
	}
	declarative := false
	for _, i := range root.Imports {
		declarative = declarative || i.Path.Value == `"github.com/GoogleCloudPlatform/functions-framework-go/functions"`
	}
	if !declarative {
		t.Fatal("the buildpack would look for a Go function named like the target")
	}
	m, err := goCommand(t.Context(), src, nil, "list", "-m")
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`package main

import (
	"log"
	"os"

	_ %q

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
)

func main() {
	if err := funcframework.Start(os.Getenv("PORT")); err != nil {
		log.Fatal(err)
	}
}
`, strings.TrimSpace(string(m)))
}

// described returns a variable of the project descriptor.
func described(t *testing.T, contents map[string][]byte, name string) string {
	t.Helper()
	m := regexp.MustCompile(`name = "` + name + `"\nvalue = "(.*)"`).FindSubmatch(contents["project.toml"])
	if m == nil {
		t.Fatalf("project.toml does not set %s", name)
	}
	return string(m[1])
}

func command(t *testing.T, dir string, env []string, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Env = dir, env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
}
