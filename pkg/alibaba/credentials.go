// Package alibaba has the right by which Alibaba Cloud is reached: keys, and
// those that expire: of credentials-go (roles of ECS and Function Compute,
// AssumeRole, OIDC token files), and what a Google Cloud workload gets in
// exchange for its identity token. The clients of its services take a
// [Provider] and know nothing of each other.
package alibaba

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

// A Provider returns credentials that are valid now. It is asked
// before every request and therefore caches; it is safe for concurrent use.
type Provider interface {
	Credentials(context.Context) (Credentials, error)
}

// ProviderFunc makes a function a [Provider].
type ProviderFunc func(context.Context) (Credentials, error)

// Credentials calls f.
func (f ProviderFunc) Credentials(ctx context.Context) (Credentials, error) { return f(ctx) }

// Static always returns the same key, with token "" for a
// long-lived one.
func Static(id, secret, token string) Provider {
	c := Credentials{AccessKeyID: id, AccessKeySecret: secret, SecurityToken: token}
	return ProviderFunc(func(context.Context) (Credentials, error) { return c, nil })
}
