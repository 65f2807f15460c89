package alibaba

import (
	"context"
	"errors"

	"github.com/siemfeed/siemfeed/pkg/retry"
)

type invocationKey struct{}

// WithInvocation returns a context that carries the credentials which came with
// an invocation of a function.
func WithInvocation(ctx context.Context, c Credentials) context.Context {
	return context.WithValue(ctx, invocationKey{}, c)
}

// Invocation returns the credentials that came with the invocation that ctx
// belongs to, and asks other, which may be nil, where none did.
func Invocation(other Provider) Provider {
	return ProviderFunc(func(ctx context.Context) (Credentials, error) {
		if c, ok := ctx.Value(invocationKey{}).(Credentials); ok {
			return c, nil
		}
		if other == nil {
			return Credentials{}, retry.Permanent(errors.New("no credentials came with the invocation: give the function a role, or set SLS_AK_ID and SLS_AK_KEY"))
		}
		return other.Credentials(ctx)
	})
}
