package provenance_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/siemfeed/siemfeed/pkg/attest"
	"github.com/siemfeed/siemfeed/pkg/attest/attesttest"
	"github.com/siemfeed/siemfeed/pkg/provenance"
)

var build = provenance.Build{
	Commit: "0123456789abcdef0123456789abcdef01234567", Tag: "v1.2.3", Version: "v1.2.3",
	Command: []string{"make", "release"}, Go: "go1.26.8", Time: 1767225600,
}

func subject(name, text string) attest.Subject {
	sum := sha256.Sum256([]byte(text))
	return attest.Subject{Name: name, Digest: map[string]string{"sha256": hex.EncodeToString(sum[:])}}
}

// The statement is SLSA's, word for word.
func TestStatement(t *testing.T) {
	text, err := json.Marshal(provenance.Of(build, []attest.Subject{{Name: "a.zip", Digest: map[string]string{"sha256": "00"}}}))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"a.zip","digest":{"sha256":"00"}}],` +
		`"predicateType":"https://slsa.dev/provenance/v1","predicate":{"buildDefinition":{` +
		`"buildType":"https://github.com/siemfeed/siemfeed/tree/main/scripts/release",` +
		`"externalParameters":{"source":"git+https://github.com/siemfeed/siemfeed@refs/tags/v1.2.3","version":"v1.2.3","command":["make","release"]},` +
		`"internalParameters":{"go":"go1.26.8","sourceDateEpoch":1767225600},` +
		`"resolvedDependencies":[{"uri":"git+https://github.com/siemfeed/siemfeed@refs/tags/v1.2.3","digest":{"gitCommit":"0123456789abcdef0123456789abcdef01234567"}}]},` +
		`"runDetails":{"builder":{"id":"https://github.com/siemfeed/siemfeed/tree/main/scripts/release"}}}}`
	if string(text) != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"same.zip": "a", "other.zip": "changed", "foreign.zip": "c", "../outside": "d"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := provenance.Of(build, []attest.Subject{
		subject("same.zip", "a"), subject("other.zip", "b"), subject("absent.zip", "c"),
		subject("siemfeed/muleaudit", "an image"), subject("../outside", "d"),
	})
	c, err := s.Check(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(c.Same, []string{"same.zip"}) || !slices.Equal(c.Absent, []string{"absent.zip"}) || len(c.Other) != 1 || c.Other[0].Name != "other.zip" || c.Other[0].Is == c.Other[0].Was {
		t.Errorf("%+v", c)
	}
	if got := s.Commit(); got != build.Commit {
		t.Errorf("commit %q", got)
	}
}

// A file that names another one, and a name that leads out of the folder, are not
// followed out of it.
func TestCheckStaysInItsFolder(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("a"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(secret, filepath.Join(dir, "link.zip")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"link.zip", ".."} {
		if c, err := provenance.Of(build, []attest.Subject{subject(name, "a")}).Check(dir); err == nil {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

func TestSealed(t *testing.T) {
	public, key := keys(t)
	_, stranger := keys(t)
	s := provenance.Of(build, []attest.Subject{subject("a.zip", "a")})
	text, err := attest.Seal(t.Context(), s, key)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := attest.Seal(t.Context(), s, key); err != nil || string(again) != string(text) {
		t.Errorf("sealed again: %s, %v", again, err)
	}
	sealed, err := attest.Unseal(t.Context(), text, public)
	if err != nil {
		t.Fatal(err)
	}
	var got provenance.Statement
	if err := sealed.Statement(provenance.PredicateType, &got); err != nil || got.Commit() != build.Commit || len(got.Subject) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	if err := sealed.Statement("https://example.com/delivery", new(map[string]any)); err == nil || !strings.Contains(err.Error(), "slsa.dev") {
		t.Errorf("taken for a delivery: %v", err)
	}
	if text, err = attest.Seal(t.Context(), s, stranger); err != nil {
		t.Fatal(err)
	}
	if _, err := attest.Unseal(t.Context(), text, public); err == nil {
		t.Error("a stranger's signature was taken")
	}
	s.Type = "https://example.com"
	if text, err = attest.Seal(t.Context(), s, key); err != nil {
		t.Fatal(err)
	}
	if _, err := attest.Unseal(t.Context(), text, public); err == nil {
		t.Error("what is no in-toto statement was taken")
	}
}

func keys(t *testing.T) (attest.Public, attest.Private) {
	t.Helper()
	privateText, publicText := attesttest.Keys(t)
	public, err := attest.ParsePublic(publicText)
	if err != nil {
		t.Fatal(err)
	}
	private, err := attest.ParsePrivate(privateText)
	if err != nil {
		t.Fatal(err)
	}
	return public, private
}
