package alibaba

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/siemfeed/siemfeed/pkg/redact"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/version"
)

// Google describes a RAM role that trusts Google's identity tokens.
type Google struct {
	RoleARN     string // acs:ram::<account>:role/<name>
	ProviderARN string // acs:ram::<account>:oidc-provider/<name>, issuer https://accounts.google.com
	Audience    string // a client id that the provider accepts
	SessionName string // shows in ActionTrail; "siemfeed" by default

	STSEndpoint string        // "https://sts.aliyuncs.com" by default
	MetadataURL string        // "http://metadata.google.internal" by default
	Duration    time.Duration // of a session, 1 h by default
	Client      *http.Client  // for STS; http.DefaultClient by default
	Retry       retry.Policy  // 4 attempts by default
}

const (
	// refreshBefore is how long before they expire credentials are replaced, so
	// that a refresh that fails can be made good; of short ones it is a fifth.
	refreshBefore = 5 * time.Minute
	// refreshTime bounds a refresh while the credentials are good still: requests
	// wait for it. One that failed is made again a minute later.
	refreshTime  = 5 * time.Second
	refreshAgain = time.Minute
)

type googleProvider struct {
	o     Google
	turn  chan struct{} // holds one token: one exchange at a time
	now   Credentials
	renew time.Time
	end   time.Time
}

// FromGoogle returns a provider that exchanges the identity token of the
// Google Cloud workload it runs in for a session of an Alibaba role, without
// any stored key (AssumeRoleWithOIDC). Sessions are kept until five minutes
// before they expire; while one is valid, a refresh that fails does no harm.
func FromGoogle(o Google) (Provider, error) {
	var faults []error
	for _, f := range [][2]string{{"role ARN", o.RoleARN}, {"OIDC provider ARN", o.ProviderARN}, {"audience", o.Audience}} {
		if f[1] == "" {
			faults = append(faults, fmt.Errorf("no %s", f[0]))
		}
	}
	if faults != nil {
		return nil, fmt.Errorf("alibaba role by OIDC: %w", errors.Join(faults...))
	}
	o.SessionName = cmp.Or(o.SessionName, "siemfeed")
	o.STSEndpoint = strings.TrimSuffix(cmp.Or(o.STSEndpoint, "https://sts.aliyuncs.com"), "/")
	o.MetadataURL = strings.TrimSuffix(cmp.Or(o.MetadataURL, "http://metadata.google.internal"), "/")
	o.Duration = cmp.Or(o.Duration, time.Hour)
	o.Client = cmp.Or(o.Client, http.DefaultClient)
	if o.Retry.Attempts == 0 {
		o.Retry = retry.Policy{Attempts: 4, Base: 300 * time.Millisecond, Max: 5 * time.Second}
	}
	return &googleProvider{o: o, turn: make(chan struct{}, 1)}, nil
}

func (p *googleProvider) Credentials(ctx context.Context) (Credentials, error) {
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return Credentials{}, ctx.Err()
	}
	switch now := time.Now(); {
	case now.Before(p.renew):
	case now.Before(p.end):
		if err := p.exchange(ctx, refreshTime); err != nil && ctx.Err() == nil {
			p.renew = now.Add(min(refreshAgain, p.end.Sub(now)/2))
		}
	default:
		err := p.o.Retry.Do(ctx, func(ctx context.Context) error { return p.exchange(ctx, 15*time.Second) })
		if err != nil {
			return Credentials{}, err
		}
	}
	return p.now, nil
}

// exchange makes one attempt at new credentials.
func (p *googleProvider) exchange(ctx context.Context, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	token, err := p.identity(ctx)
	if err != nil {
		return err
	}
	c, end, err := p.assume(ctx, token)
	if err != nil {
		return err
	}
	life := time.Until(end)
	if life <= 0 {
		return fmt.Errorf("AssumeRoleWithOIDC: credentials that expired at %s: is this machine's clock right?", end.Format(time.RFC3339))
	}
	p.now, p.end, p.renew = c, end, end.Add(-min(refreshBefore, life/5))
	return nil
}

// metadataClient asks the machine's own metadata server, which no proxy can
// reach and whose tokens no proxy should see.
var metadataClient = &http.Client{Transport: &http.Transport{IdleConnTimeout: 5 * time.Second}}

// identity asks the metadata server for a token. Source: "Verify the identity
// of a VM", Google Cloud.
func (p *googleProvider) identity(ctx context.Context) (string, error) {
	u := p.o.MetadataURL + "/computeMetadata/v1/instance/service-accounts/default/identity?format=full&audience=" + url.QueryEscape(p.o.Audience)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return "", retry.Permanent(err)
	}
	r.Header.Set("Metadata-Flavor", "Google")
	body, err := p.do(metadataClient, r)
	if err != nil {
		return "", fmt.Errorf("identity token from Google's metadata server: %w", err)
	}
	return strings.TrimSpace(string(body)), nil
}

// assume calls AssumeRoleWithOIDC, which takes no signature: the token is the
// proof. Source: credentials-go v1.4.14, providers/oidc.go.
func (p *googleProvider) assume(ctx context.Context, token string) (Credentials, time.Time, error) {
	query := url.Values{
		"Action": {"AssumeRoleWithOIDC"}, "Version": {"2015-04-01"}, "Format": {"JSON"},
		"Timestamp": {time.Now().UTC().Format(time.RFC3339)},
	}
	form := url.Values{
		"RoleArn": {p.o.RoleARN}, "OIDCProviderArn": {p.o.ProviderARN}, "OIDCToken": {token},
		"RoleSessionName": {p.o.SessionName}, "DurationSeconds": {strconv.Itoa(int(p.o.Duration / time.Second))},
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.o.STSEndpoint+"/?"+query.Encode(), strings.NewReader(form.Encode()))
	if err != nil {
		return Credentials{}, time.Time{}, retry.Permanent(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	body, err := p.do(p.o.Client, r, token)
	if err != nil {
		return Credentials{}, time.Time{}, fmt.Errorf("AssumeRoleWithOIDC of %s: %w", p.o.RoleARN, err)
	}
	var out struct {
		Credentials struct {
			AccessKeyID     string `json:"AccessKeyId"`
			AccessKeySecret string
			SecurityToken   string
			Expiration      time.Time
		}
	}
	if err := json.Unmarshal(body, &out); err != nil {
		return Credentials{}, time.Time{}, fmt.Errorf("AssumeRoleWithOIDC: %w", err)
	}
	c := out.Credentials
	if c.AccessKeyID == "" || c.AccessKeySecret == "" || c.SecurityToken == "" {
		return Credentials{}, time.Time{}, errors.New("AssumeRoleWithOIDC: an answer without credentials")
	}
	return Credentials{AccessKeyID: c.AccessKeyID, AccessKeySecret: c.AccessKeySecret, SecurityToken: c.SecurityToken}, c.Expiration, nil
}

// do returns the body of a 200 and makes an error of anything else, permanent
// when the request itself was refused.
func (p *googleProvider) do(c *http.Client, r *http.Request, secrets ...string) ([]byte, error) {
	r.Header.Set("User-Agent", version.UserAgent())
	resp, err := c.Do(r)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // without the address, that may hold a token
		}
		return nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusOK {
		return body, nil
	}
	var refused struct{ Code, Message string }
	_ = json.Unmarshal(body, &refused) // another form has no code to show
	err = fmt.Errorf("HTTP %d %s %s", resp.StatusCode, redact.Text(refused.Code, secrets...), redact.Text(refused.Message, secrets...))
	if resp.StatusCode < 500 && resp.StatusCode != http.StatusTooManyRequests && !strings.HasPrefix(refused.Code, "Throttling") {
		return nil, retry.Permanent(fmt.Errorf("%w; check the role's trust policy, the OIDC provider's issuer and client id, and the audience", err))
	}
	return nil, err
}
