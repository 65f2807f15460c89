package alibaba

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/aliyun/credentials-go/credentials"
)

// FromSDK adapts a credential of credentials-go, which fetches and refreshes it
// when it is asked. It knows no context: a refresh can take the library's own
// timeouts (15 s by default). Its role providers are not safe for concurrent
// use; the adapter is. Nor do they go on with what is good still where a refresh
// fails, as the adapter does.
func FromSDK(c credentials.Credential) Provider {
	p := &sdkProvider{sdk: c}
	return ProviderFunc(p.credentials)
}

const (
	// goodFor is how long what the library returns is good at least: it replaces
	// credentials when they have three minutes left. Source: needUpdateCredential
	// of its role providers.
	goodFor = 150 * time.Second
	// askAgain is how long it is left alone after a refresh that failed, since all
	// requests wait for one.
	askAgain = 10 * time.Second
)

type sdkProvider struct {
	sdk credentials.Credential

	mu    sync.Mutex
	last  Credentials
	until time.Time // last is good
	again time.Time // before it the library is not asked
}

func (p *sdkProvider) credentials(ctx context.Context) (Credentials, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return Credentials{}, err
	}
	now := time.Now()
	if now.Before(p.again) && now.Before(p.until) {
		return p.last, nil
	}
	m, err := p.sdk.GetCredential()
	switch {
	case err == nil:
		p.last = Credentials{AccessKeyID: value(m.AccessKeyId), AccessKeySecret: value(m.AccessKeySecret), SecurityToken: value(m.SecurityToken)}
		p.until, p.again = now.Add(goodFor), time.Time{}
	case now.Before(p.until):
		p.again = time.Now().Add(askAgain)
	default:
		return Credentials{}, fmt.Errorf("alibaba credentials: %w", err)
	}
	return p.last, nil
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
