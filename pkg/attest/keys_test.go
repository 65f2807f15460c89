package attest_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/siemfeed/siemfeed/pkg/attest"
	"github.com/siemfeed/siemfeed/pkg/attest/attesttest"
)

func TestKeys(t *testing.T) {
	private, public := attesttest.Keys(t)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range [][]byte{nil, []byte("x"), public, attesttest.PKCS8(t, other), bytes.Replace(private, []byte("PRIVATE KEY"), []byte("EC PRIVATE KEY"), 2), private[:len(private)/2]} {
		if _, err := attest.ParsePrivate(text); err == nil || strings.Contains(err.Error(), "MC4") {
			t.Errorf("%.40q: %v", text, err)
		}
	}
	for _, text := range [][]byte{nil, private, attesttest.SPKI(t, &other.PublicKey)} {
		if _, err := attest.ParsePublic(text); err == nil {
			t.Errorf("%.40q was taken", text)
		}
	}
	key, err := attest.ParsePrivate(private)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%v %+v %#v %s", key, key, key, key); strings.Count(got, "redacted") != 4 || strings.ContainsAny(got, "0123456789") {
		t.Errorf("printed: %s", got)
	}
}

// A key that is none says what it is instead, so that it is known what to do.
func TestKeysOfOtherKinds(t *testing.T) {
	private, public := attesttest.Keys(t)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: []byte("abc")}) }
	for _, c := range []struct {
		text []byte
		want string
	}{
		{nil, "nothing in PEM"},
		{[]byte("MC4CAQAwBQYDK2VwBCIEI"), "nothing in PEM"},
		{public, "a public key"},
		{attesttest.PKCS8(t, other), "a key of another kind"},
		{block("ENCRYPTED PRIVATE KEY"), "a passphrase"},
		{block("OPENSSH PRIVATE KEY"), "the form of OpenSSH"},
		{block("CERTIFICATE"), "a certificate"},
		{block("DH PARAMETERS"), "something else"},
	} {
		if _, err := attest.ParsePrivate(c.text); err == nil || !strings.Contains(err.Error(), c.want) || !errors.Is(err, attest.ErrKey) {
			t.Errorf("%.40q: %v, want %q", c.text, err, c.want)
		}
	}
	for want, text := range map[string][]byte{"a private key": private, "a key of another kind": attesttest.SPKI(t, &other.PublicKey)} {
		if _, err := attest.ParsePublic(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	file := filepath.Join(t.TempDir(), "private.pem")
	for mode, want := range map[os.FileMode]bool{0o600: false, 0o400: false, 0o640: true, 0o604: true} {
		if err := errors.Join(os.WriteFile(file, private, 0o600), os.Chmod(file, mode)); err != nil {
			t.Fatal(err)
		}
		if attest.Exposed(file) != want {
			t.Errorf("%v: exposed: %v", mode, !want)
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
}
