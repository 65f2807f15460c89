package attest

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
)

// ErrKey says that a text holds no key of the kind that is wanted. It never
// quotes the text.
var ErrKey = errors.New("want an Ed25519 key in PEM, as `openssl genpkey -algorithm ed25519` writes the private one, and `openssl pkey -pubout` the public one")

// notKey is ErrKey with what there is instead.
func notKey(what string) error { return fmt.Errorf("it holds %s: %w", what, ErrKey) }

const otherKind = "a key of another kind, or damaged"

// instead is what a PEM block is that is no key of the kind that is wanted.
func instead(block *pem.Block) string {
	if block == nil {
		return "nothing in PEM"
	}
	switch block.Type {
	case "ENCRYPTED PRIVATE KEY":
		return "a key under a passphrase, which `openssl pkey -in FILE` takes off"
	case "OPENSSH PRIVATE KEY":
		return "a key in the form of OpenSSH"
	case "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY":
		return "a private key"
	case "PUBLIC KEY":
		return "a public key"
	case "CERTIFICATE":
		return "a certificate"
	}
	return "something else in PEM"
}

// Private is a key to sign with.
type Private struct{ key ed25519.PrivateKey }

// Public is the key to check signatures with.
type Public struct{ key ed25519.PublicKey }

// ParsePrivate reads a key as PKCS#8 in PEM.
func ParsePrivate(text []byte) (Private, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" {
		return Private{}, notKey(instead(block))
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return Private{}, notKey(otherKind) // the error may quote the key
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return Private{}, notKey(otherKind)
	}
	return Private{private}, nil
}

// ReadPrivate reads a key from a file, or where none is named from an environment
// variable.
func ReadPrivate(file, variable string) (Private, error) {
	text, from := []byte(os.Getenv(variable)), variable
	if file != "" {
		var err error
		if text, err = os.ReadFile(file); err != nil {
			return Private{}, err
		}
		from = file
	}
	key, err := ParsePrivate(text)
	if err != nil {
		return key, fmt.Errorf("%s: %w", from, err)
	}
	return key, nil
}

// Exposed tells whether others than its owner may read the file of a private key.
func Exposed(file string) bool {
	i, err := os.Stat(file)
	return err == nil && i.Mode().IsRegular() && i.Mode().Perm()&0o077 != 0
}

// ReadPublic reads a key from a file.
func ReadPublic(file string) (Public, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return Public{}, err
	}
	key, err := ParsePublic(text)
	if err != nil {
		return key, fmt.Errorf("%s: %w", file, err)
	}
	return key, nil
}

// ParsePublic reads a key as SubjectPublicKeyInfo in PEM.
func ParsePublic(text []byte) (Public, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PUBLIC KEY" {
		return Public{}, notKey(instead(block))
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return Public{}, notKey(otherKind)
	}
	public, ok := key.(ed25519.PublicKey)
	if !ok {
		return Public{}, notKey(otherKind)
	}
	return Public{public}, nil
}

// String does not tell the key.
func (Private) String() string { return "[redacted]" }

// GoString does not tell it either.
func (Private) GoString() string { return "[redacted]" }

// Sign implements the library's Signer.
func (p Private) Sign(_ context.Context, data []byte) ([]byte, error) {
	return p.key.Sign(nil, data, crypto.Hash(0))
}

// KeyID implements the library's Signer.
func (p Private) KeyID() (string, error) {
	public, ok := p.key.Public().(ed25519.PublicKey)
	if !ok {
		return "", ErrKey
	}
	return Public{public}.KeyID()
}

// Verify implements the library's Verifier.
func (p Public) Verify(_ context.Context, data, sig []byte) error {
	if !ed25519.Verify(p.key, data, sig) {
		return errors.New("the signature does not fit")
	}
	return nil
}

// KeyID implements the library's Verifier: the SHA-256, in hex, of the key as
// `openssl pkey -pubout -outform DER` writes it.
func (p Public) KeyID() (string, error) {
	der, err := x509.MarshalPKIXPublicKey(p.key)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:]), nil
}

// Public implements the library's Verifier.
func (p Public) Public() crypto.PublicKey { return p.key }
