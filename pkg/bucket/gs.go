package bucket

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"cloud.google.com/go/storage"
	"gocloud.dev/blob/gcsblob"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
	"google.golang.org/api/option"

	"github.com/siemfeed/siemfeed/pkg/cause"
	"github.com/siemfeed/siemfeed/pkg/proxy"
)

// gsParams are what a gs:// URL may say.
var gsParams = []string{"anonymous", "universe_domain"}

func checkGS(a Address) error { return checkFlags(a, "anonymous") }

// gsScope is what is asked for of Google's storage; roles decide what is given.
const gsScope = "https://www.googleapis.com/auth/devstorage.read_write"

// noGoogle says what to do without credentials
// (docs.cloud.google.com/docs/authentication/application-default-credentials).
const noGoogle = "no Google credentials: on Cloud Run, Compute Engine or GKE give the service a service account; elsewhere run gcloud auth application-default login, or set GOOGLE_APPLICATION_CREDENTIALS to the path of a key or workload identity file; for a public bucket add anonymous=true to the URL"

// googleTokens tells a token that cannot be got from a bucket that cannot be
// reached.
type googleTokens struct{ from oauth2.TokenSource }

// Token implements [oauth2.TokenSource].
func (t googleTokens) Token() (*oauth2.Token, error) {
	token, err := t.from.Token()
	return token, cause.Mark(cause.NoCredentials, err)
}

// openGS speaks Cloud Storage's JSON and XML APIs with Application Default
// Credentials, or without any to the emulator at STORAGE_EMULATOR_HOST. It does
// not leave this to gocloud, which prints to standard output where there are no
// credentials, and goes on.
func openGS(ctx context.Context, b *Bucket, a Address, o options) error {
	var opts []option.ClientOption
	base := proxy.Transport()
	b.closers = append(b.closers, func() error { base.CloseIdleConnections(); return nil })
	var transport http.RoundTripper = base
	anonymous, _ := a.flag("anonymous")
	domain := a.Param("universe_domain")
	if anonymous || os.Getenv("STORAGE_EMULATOR_HOST") != "" {
		opts = append(opts, option.WithoutAuthentication())
	} else {
		creds, err := google.FindDefaultCredentialsWithParams(context.WithoutCancel(ctx), google.CredentialsParams{Scopes: []string{gsScope}, UniverseDomain: domain})
		if err != nil {
			return fmt.Errorf("%s (%w)", noGoogle, err)
		}
		transport = &oauth2.Transport{Base: transport, Source: googleTokens{creds.TokenSource}}
		if domain == "" {
			if domain, err = creds.GetUniverseDomain(); err != nil {
				return fmt.Errorf("ask for the universe domain: %w", err)
			}
		}
	}
	if domain != "" {
		opts = append(opts, option.WithUniverseDomain(domain))
	}
	opts = append(opts, option.WithHTTPClient(&http.Client{Transport: o.transport(agent(countTries(transport)))}))
	client, err := storage.NewClient(ctx, opts...)
	if err != nil {
		return err
	}
	// All that is done here leads to the same end when done twice: objects are
	// written whole or not at all, and deleting is deleting. The client by
	// default repeats neither a plain write nor a delete, and reads for ever.
	client.SetRetry(storage.WithPolicy(storage.RetryAlways), storage.WithMaxAttempts(10))
	b.closers = append(b.closers, client.Close)
	b.Bucket, err = gcsblob.OpenBucket(ctx, nil, a.Name, &gcsblob.Options{Client: client})
	return err
}
