package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"debug/buildinfo"
	"encoding/json"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/xeipuuv/gojsonschema"

	"github.com/siemfeed/siemfeed/pkg/attest"
	"github.com/siemfeed/siemfeed/pkg/provenance"
)

// ownProcess has the test binary be the command, as which check starts it.
const ownProcess = "SIEMFEED_RELEASE_TEST"

func TestMain(m *testing.M) {
	if os.Getenv(ownProcess) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestRelease releases one function and the operator's command for this machine, and
// looks at all that comes with them. make release-check does the same with everything.
func TestRelease(t *testing.T) {
	r := snapshot(t)
	private, public := keys(t)
	o := options{source: r.dir, out: filepath.Join(t.TempDir(), "dist"), key: private, functions: "muleaudit,siemfeed", platforms: "linux/" + runtime.GOARCH}
	if err := build(t.Context(), o, io.Discard); err != nil {
		t.Fatal(err)
	}
	s := r.describe()
	t.Run("another machine makes the same bytes", func(t *testing.T) {
		t.Setenv(ownProcess, "yes")
		again := o
		again.with = o.out
		var said bytes.Buffer
		if err := check(t.Context(), again, &said); err != nil || !strings.Contains(said.String(), "v1.2.3: two builds gave the same") {
			t.Errorf("%v: %s", err, &said)
		}
	})
	t.Run("it names no machine", func(t *testing.T) { checkNamesNoMachine(t, o.out) })
	t.Run("the command says its version", func(t *testing.T) {
		bin := filepath.Join(t.TempDir(), operator)
		if err := os.WriteFile(bin, command(t, o.out), 0o755); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), bin, "--version").CombinedOutput()
		if err != nil || string(out) != "v1.2.3\n" {
			t.Errorf("%v: %s", err, out)
		}
	})
	t.Run("the SBOM lists what the command is made of", func(t *testing.T) { checkSBOM(t, o.out) })
	t.Run("sha256sum finds every file", func(t *testing.T) {
		cmd := exec.CommandContext(t.Context(), "sha256sum", "--check", "--strict", sumsFile)
		cmd.Dir = o.out
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		files, err := os.ReadDir(o.out)
		if err != nil {
			t.Fatal(err)
		}
		if got := releaseFiles(o.out); len(got) != len(files) {
			t.Errorf("the release has %v, and the folder %v", got, files)
		}
	})
	t.Run("images are pushed by their digests", func(t *testing.T) { checkPush(t, o) })
	t.Run("provenance", func(t *testing.T) { checkProvenance(t, o.out, public, s) }) // alters a file: last
}

// snapshot returns a repository with one commit, v1.2.3: the source as it lies here,
// with what is not committed yet.
func snapshot(t *testing.T) repository {
	t.Helper()
	r := newRepository(t)
	list, err := git(t.Context(), "../..", "ls-files", "--cached", "--others", "--exclude-standard", "-z")
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.SplitSeq(strings.Trim(list, "\x00"), "\x00") {
		text, err := os.ReadFile(filepath.Join("../..", name))
		if os.IsNotExist(err) {
			continue // removed, and not yet committed
		}
		if err != nil {
			t.Fatal(err)
		}
		r.write(name, string(text))
	}
	r.git("add", "--all")
	r.commit()
	r.git("tag", "v1.2.3")
	return r
}

// command returns the operator's command of a release.
func command(t *testing.T, dir string) []byte {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "siemfeed-linux-"+runtime.GOARCH+".tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if h.Name != operator {
			continue
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
}

func checkNamesNoMachine(t *testing.T, dir string) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	statement, err := os.ReadFile(filepath.Join(dir, signedFile))
	if err != nil {
		t.Fatal(err)
	}
	var e struct{ Payload []byte }
	if err := json.Unmarshal(statement, &e); err != nil {
		t.Fatal(err)
	}
	sbom, err := os.ReadFile(filepath.Join(dir, sbomFile))
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string][]byte{"provenance": e.Payload, "the SBOM": sbom, "the command": command(t, dir)} {
		for _, of := range []string{"/" + filepath.Base(home) + "/go/pkg/mod", dir, os.TempDir() + "/", host + "\n"} {
			if len(text) == 0 || bytes.Contains(text, []byte(of)) {
				t.Errorf("%s has %q", what, of)
			}
		}
	}
}

func checkSBOM(t *testing.T, dir string) {
	f, err := os.Open(filepath.Join(dir, sbomFile))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(f, cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatal(err)
	}
	checkSchema(t, dir)
	components := map[string]cdx.Component{}
	for _, c := range *bom.Components {
		components[c.BOMRef] = c
	}
	needs := map[string][]string{}
	for _, d := range *bom.Dependencies {
		needs[d.Ref] = *d.Dependencies
		for _, on := range *d.Dependencies {
			if _, ok := components[on]; !ok {
				t.Errorf("%s depends on %s, which is no component", d.Ref, on)
			}
		}
	}
	info, err := buildinfo.Read(bytes.NewReader(command(t, dir)))
	if err != nil {
		t.Fatal(err)
	}
	if len(info.Deps) < 50 {
		t.Errorf("the command is made of %d modules", len(info.Deps))
	}
	archive := "file:siemfeed-linux-" + runtime.GOARCH + ".tar.gz"
	for _, d := range info.Deps {
		purl := "pkg:golang/" + d.Path + "@" + strings.ReplaceAll(d.Version, "+", "%2B")
		c := components[purl]
		if c.Name != d.Path || c.Version != d.Version || c.Hashes == nil || c.Licenses == nil || !slices.Contains(needs[archive], purl) {
			t.Errorf("%s %s: %+v", d.Path, d.Version, c)
		}
	}
	if n := len(needs[archive]); n != len(info.Deps)+1 {
		t.Errorf("%d modules, want those of the command and the standard library", n)
	}
	if !slices.Contains(needs[archive], "pkg:golang/std@"+info.GoVersion) {
		t.Error("the standard library is missing")
	}
	for ref, on := range needs {
		if strings.HasSuffix(ref, "-oci.tar") != slices.ContainsFunc(on, func(s string) bool { return strings.Contains(s, roots) }) {
			t.Errorf("%s: certificates are in images, and nowhere else", ref)
		}
		if strings.HasPrefix(ref, "file:") {
			sum, err := fileSum(filepath.Join(dir, strings.TrimPrefix(ref, "file:")))
			if err != nil || (*components[ref].Hashes)[0].Value != sum {
				t.Errorf("%s: %+v, %v", ref, components[ref].Hashes, err)
			}
		}
	}
}

// checkSchema holds the SBOM to CycloneDX's schema, which lies in its library's
// module.
func checkSchema(t *testing.T, dir string) {
	t.Helper()
	library, err := output(t.Context(), ".", nil, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go")
	if err != nil {
		t.Fatal(err)
	}
	file := func(name string) gojsonschema.JSONLoader {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return gojsonschema.NewBytesLoader(text)
	}
	schemas := gojsonschema.NewSchemaLoader()
	if err := schemas.AddSchemas(file(filepath.Join(library, "schema", "spdx.schema.json")), file(filepath.Join(library, "schema", "jsf-0.82.schemax.json"))); err != nil {
		t.Fatal(err)
	}
	schema, err := schemas.Compile(file(filepath.Join(library, "schema", "bom-1.6.schema.json")))
	if err != nil {
		t.Fatal(err)
	}
	result, err := schema.Validate(file(filepath.Join(dir, sbomFile)))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range result.Errors() {
		t.Error(e)
	}
}

func checkPush(t *testing.T, o options) {
	srv := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer srv.Close()
	o.to = strings.TrimPrefix(srv.URL, "http://") + "/some/where"
	var out bytes.Buffer
	if err := push(t.Context(), o, &out); err != nil {
		t.Fatal(err)
	}
	images, err := os.ReadFile(filepath.Join(o.out, imagesFile))
	if err != nil {
		t.Fatal(err)
	}
	want := ""
	for line := range strings.Lines(string(images)) {
		want += o.to + "/" + line
	}
	if out.String() != want {
		t.Errorf("said %q, want %q", &out, want)
	}
	tag, err := name.NewTag(o.to + "/muleaudit:v1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	there, err := remote.Head(tag)
	if err != nil || !strings.Contains(want, "/muleaudit@"+there.Digest.String()+"\n") {
		t.Errorf("the registry has %v, %v", there, err)
	}
}

func checkProvenance(t *testing.T, dir, publicFile string, s source) {
	text, err := os.ReadFile(filepath.Join(dir, signedFile))
	if err != nil {
		t.Fatal(err)
	}
	public, err := attest.ReadPublic(publicFile)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := attest.Unseal(t.Context(), text, public)
	if err != nil {
		t.Fatal(err)
	}
	var p provenance.Statement
	if err := sealed.Statement(provenance.PredicateType, &p); err != nil {
		t.Fatal(err)
	}
	b := p.Predicate.BuildDefinition
	if p.Commit() != s.commit || b.ExternalParameters.Version != "v1.2.3" || !strings.HasSuffix(b.ExternalParameters.Source, "@refs/tags/v1.2.3") || b.InternalParameters.Go != runtime.Version() {
		t.Errorf("%+v", b)
	}
	images := 0
	for _, subject := range p.Subject {
		if strings.HasPrefix(subject.Name, "siemfeed/") {
			images++
		}
	}
	c, err := p.Check(dir)
	if err != nil || len(c.Other) > 0 || len(c.Absent) > 0 || len(c.Same) != len(releaseFiles(dir))-1 || images != 2 {
		t.Errorf("%+v, %v, %d images", c, err, images)
	}
	f, err := os.OpenFile(filepath.Join(dir, "muleaudit.zip"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("x"); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if c, err = p.Check(dir); err != nil || len(c.Other) != 1 || c.Other[0].Name != "muleaudit.zip" {
		t.Errorf("after a file was altered: %+v, %v", c, err)
	}
	if err := push(t.Context(), options{out: dir, to: "127.0.0.1:1/x"}, io.Discard); err == nil || !strings.Contains(err.Error(), "muleaudit.zip is not the file") {
		t.Errorf("images were pushed beside a file that was altered: %v", err)
	}
}
