// Package credentials brings keys that expire to pkg/sls: those of Alibaba's
// credentials-go (ECS and Function Compute roles, AssumeRole, OIDC token
// files) and those that a Google Cloud workload gets in exchange for its
// identity token.
package credentials

import (
	"context"
	"fmt"
	"sync"

	"github.com/aliyun/credentials-go/credentials"

	"github.com/siemfeed/siemfeed/pkg/sls"
)

// FromSDK adapts a credential of credentials-go, which fetches and refreshes it
// when it is asked. It knows no context: a refresh can take the library's own
// timeouts (15 s by default). Its role providers are not safe for concurrent
// use; the adapter is.
func FromSDK(c credentials.Credential) sls.CredentialsProvider {
	var mu sync.Mutex
	return sls.CredentialsFunc(func(ctx context.Context) (sls.Credentials, error) {
		mu.Lock()
		defer mu.Unlock()
		if err := ctx.Err(); err != nil {
			return sls.Credentials{}, err
		}
		m, err := c.GetCredential()
		if err != nil {
			return sls.Credentials{}, fmt.Errorf("alibaba credentials: %w", err)
		}
		return sls.Credentials{
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
