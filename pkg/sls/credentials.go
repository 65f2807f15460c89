package sls

import (
	"context"
	"log/slog"
)

// Credentials sign a request. SecurityToken is set for temporary ones only.
type Credentials struct {
	AccessKeyID     string
	AccessKeySecret string
	SecurityToken   string
}

// String hides the secrets.
func (c Credentials) String() string { return c.AccessKeyID + ":[redacted]" }

// GoString hides the secrets from %#v.
func (c Credentials) GoString() string { return c.String() }

// LogValue hides the secrets from slog.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.String()) }

// A CredentialsProvider returns credentials that are valid now. It is asked
// before every request and therefore caches; it is safe for concurrent use.
type CredentialsProvider interface {
	Credentials(context.Context) (Credentials, error)
}

// CredentialsFunc makes a function a [CredentialsProvider].
type CredentialsFunc func(context.Context) (Credentials, error)

// Credentials calls f.
func (f CredentialsFunc) Credentials(ctx context.Context) (Credentials, error) { return f(ctx) }

// StaticCredentials always returns the same key, with token "" for a
// long-lived one.
func StaticCredentials(id, secret, token string) CredentialsProvider {
	c := Credentials{AccessKeyID: id, AccessKeySecret: secret, SecurityToken: token}
	return CredentialsFunc(func(context.Context) (Credentials, error) { return c, nil })
}
