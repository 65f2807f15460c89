package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/siemfeed/siemfeed/pkg/attest"
	"github.com/siemfeed/siemfeed/pkg/provenance"
)

// Whoever has a release's files, its provenance and the public key sees whether the
// files are those that were built, and what of.
func TestVerifyRelease(t *testing.T) {
	dir := t.TempDir()
	private, public := keyFiles(t, t.TempDir())
	_, stranger := keyFiles(t, t.TempDir())
	key, err := attest.ReadPrivate(private, "")
	if err != nil {
		t.Fatal(err)
	}
	var subjects []attest.Subject
	for _, name := range []string{"a.zip", "b.zip", "c.zip"} {
		sum := sha256.Sum256([]byte(name))
		subjects = append(subjects, attest.Subject{Name: name, Digest: map[string]string{"sha256": hex.EncodeToString(sum[:])}})
	}
	const commit = "0123456789abcdef0123456789abcdef01234567"
	text, err := attest.Seal(t.Context(), provenance.Of(provenance.Build{Commit: commit, Version: "v1.2.3", Go: "go1.26.8"}, subjects), key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "provenance.dsse.json")
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	verify := func(code int, want string, args ...string) {
		t.Helper()
		var out bytes.Buffer
		got := siemfeed(t.Context(), functions(), &out, &out, append([]string{"attest", "verify", file}, args...))
		if got != code || !strings.Contains(out.String(), want) {
			t.Errorf("%v: ended with %d, want %d, and %q in\n%s", args, got, code, want, &out)
		}
	}
	put("provenance.dsse.json", string(text))
	verify(exitFailed, "nothing was checked", "--public", public)
	put("a.zip", "a.zip")
	verify(exitDone, "a.zip: as it was built\nnot here: 2 other files", "--public", public)
	verify(exitDone, "siemfeed v1.2.3, built by go1.26.8 from commit "+commit, "--public", public)
	verify(exitFailed, "not signed with this key", "--public", stranger)
	verify(exitFailed, "nothing was checked", "--public", public, "--files", t.TempDir())
	verify(exitFailed, "--compare is about deliveries", "--public", public, "--compare")
	put("b.zip", "b.zip, and something else")
	verify(exitFindings, "b.zip", "--public", public)
}
