package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/siemfeed/siemfeed/pkg/proctest"
)

// What was attested is checked without a configuration, and compared with what
// is kept later.
func TestAttestCommands(t *testing.T) {
	bin := proctest.Build(t, ".")
	dir, state := t.TempDir(), t.TempDir()
	private, public := keyFiles(t, dir)
	text, err := os.ReadFile(private)
	if err != nil {
		t.Fatal(err)
	}
	source := t.TempDir()
	if err := os.WriteFile(filepath.Join(source, "bad.log.gz"), []byte("no gzip"), 0o600); err != nil {
		t.Fatal(err)
	}
	full := map[string]string{
		"SOURCE_URL": "file://" + source, "DEST_URL": "file://" + t.TempDir(), "STATE_URL": "file://" + state, "LOG_LEVEL": "error",
	}
	run := func(env map[string]string, ok bool, want string, args ...string) {
		t.Helper()
		out, err := proctest.Run(t, bin, env, args...)
		if (err == nil) != ok || !strings.Contains(out, want) {
			t.Errorf("%v: %v, want %q in\n%s", args, err, want, out)
		}
		if strings.Contains(out, strings.Split(string(text), "\n")[1]) {
			t.Errorf("%v prints the key:\n%s", args, out)
		}
	}
	file := filepath.Join(dir, "delivery.json")
	run(full, false, "nothing to attest", "attest", "--key", private, "--out", file)
	run(full, true, "1 in quarantine", "backfill", "gunzipcsv")
	run(full, false, "SIEMFEED_ATTEST_KEY", "attest", "--out", file)
	run(full, false, "want an Ed25519 key", "attest", "--key", public, "--out", file)
	run(full, false, "no day from", "attest", "--key", private, "--out", file, "--days-only", "--from", "0s")
	withKey := map[string]string{"SIEMFEED_ATTEST_KEY": string(text)}
	for k, v := range full {
		withKey[k] = v
	}
	run(withKey, true, file, "attest", "gunzipcsv", "--from", "2d", "--out", file)
	run(nil, true, "signed with this key", "attest", "verify", file, "--public", public)
	run(full, true, "unchanged", "attest", "verify", file, "--public", public, "--compare")
	run(nil, false, "want an Ed25519 key", "attest", "verify", file, "--public", private)

	receipts, err := filepath.Glob(state + "/gunzipcsv/receipts/*/*/*/*.json")
	if err != nil || len(receipts) != 1 {
		t.Fatal(receipts, err)
	}
	if err := os.Remove(receipts[0]); err != nil {
		t.Fatal(err)
	}
	run(full, false, "MISSING", "attest", "verify", file, "--public", public, "--compare")
}

// keyFiles writes a new pair of keys into dir, as openssl does, and returns the
// paths.
func keyFiles(t *testing.T, dir string) (private, public string) {
	t.Helper()
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
