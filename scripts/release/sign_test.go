package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/siemfeed/siemfeed/pkg/attest"
	"github.com/siemfeed/siemfeed/pkg/provenance"
)

// keys writes a new pair of keys, as openssl does, and returns the paths.
func keys(t *testing.T) (private, public string) {
	t.Helper()
	dir := t.TempDir()
	write := func(name, kind string, der []byte, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(priv)
	private = write("private.pem", "PRIVATE KEY", der, err)
	der, err = x509.MarshalPKIXPublicKey(pub)
	return private, write("public.pem", "PUBLIC KEY", der, err)
}

// A key comes from a file or the environment, and has to be the one that users check
// with.
func TestSigningKey(t *testing.T) {
	t.Setenv(keyVariable, "")
	s := source{dir: t.TempDir()}
	if key, err := signingKey(s, ""); key != nil || err != nil {
		t.Errorf("without a key: %v, %v", key, err)
	}
	private, public := keys(t)
	stranger, _ := keys(t)
	if _, err := signingKey(s, public); err == nil {
		t.Error("a public key was taken to sign with")
	}
	text, err := os.ReadFile(public)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(s.dir, ".github"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, publicKey), text, 0o644); err != nil {
		t.Fatal(err)
	}
	if key, err := signingKey(s, private); key == nil || err != nil {
		t.Errorf("the key that users check with: %v", err)
	}
	if _, err := signingKey(s, stranger); err == nil || !strings.Contains(err.Error(), publicKey) {
		t.Errorf("another key: %v", err)
	}
	if text, err = os.ReadFile(private); err != nil {
		t.Fatal(err)
	}
	t.Setenv(keyVariable, string(text))
	if key, err := signingKey(s, ""); key == nil || err != nil {
		t.Errorf("from the environment: %v", err)
	}
}

// Without a key the statement is there, and nobody takes it for a signed one. What no
// commit has gets none.
func TestUnsigned(t *testing.T) {
	r := newRepository(t)
	r.commit()
	dir := t.TempDir()
	s := r.describe()
	s.dirty = true
	if err := sign(t.Context(), s, dir, nil, nil); err != nil || len(releaseFiles(dir)) > 0 {
		t.Errorf("%v, %v", err, releaseFiles(dir))
	}
	s.dirty = false
	if err := sign(t.Context(), s, dir, []attest.Subject{{Name: "a"}}, nil); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, unsignedFile))
	if err != nil {
		t.Fatal(err)
	}
	var p provenance.Statement
	if err := json.Unmarshal(text, &p); err != nil || p.Commit() != s.commit || p.Predicate.BuildDefinition.ExternalParameters.Source != "git+https://github.com/siemfeed/siemfeed" {
		t.Errorf("%+v, %v", p, err)
	}
	_, public := keys(t)
	key, err := attest.ReadPublic(public)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := attest.Unseal(t.Context(), text, key); err == nil {
		t.Error("taken for a signed statement")
	}
}

func TestRefusesChanges(t *testing.T) {
	r := newRepository(t)
	r.commit()
	r.write("new", "")
	o := options{source: r.dir, out: t.TempDir()}
	for name, command := range commands {
		if name == "push" {
			continue
		}
		if err := command(t.Context(), o, io.Discard); err == nil || !strings.Contains(err.Error(), "changes that no commit has") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
