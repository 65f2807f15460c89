package alibaba

import (
	"context"
	"fmt"
	"sync"

	"github.com/aliyun/credentials-go/credentials"
)

// FromSDK adapts a credential of credentials-go, which fetches and refreshes it
// when it is asked. It knows no context: a refresh can take the library's own
// timeouts (15 s by default). Its role providers are not safe for concurrent
// use; the adapter is.
func FromSDK(c credentials.Credential) Provider {
	var mu sync.Mutex
	return ProviderFunc(func(ctx context.Context) (Credentials, error) {
		mu.Lock()
		defer mu.Unlock()
		if err := ctx.Err(); err != nil {
			return Credentials{}, err
		}
		m, err := c.GetCredential()
		if err != nil {
			return Credentials{}, fmt.Errorf("alibaba credentials: %w", err)
		}
		return Credentials{
			AccessKeyID:     value(m.AccessKeyId),
			AccessKeySecret: value(m.AccessKeySecret),
			SecurityToken:   value(m.SecurityToken),
		}, nil
	})
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
