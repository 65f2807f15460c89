package bucket

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsretry "github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"
	gcaws "gocloud.dev/aws"
	"gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"

	"github.com/siemfeed/siemfeed/pkg/cause"
	"github.com/siemfeed/siemfeed/pkg/proxy"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

// s3Params are the parameters of an s3:// URL: those of gocloud.dev/aws, and
// of blob/s3blob.
var s3Params = []string{
	"region", "endpoint", "profile", "role", "anonymous", "dualstack", "fips", "hostname_immutable",
	"rate_limiter_capacity", "request_checksum_calculation", "response_checksum_validation", "awssdk",
	"ssetype", "kmskeyid", "accelerate", "use_path_style", "s3ForcePathStyle", "disable_https",
}

var s3Flags = []string{"anonymous", "dualstack", "fips", "hostname_immutable", "accelerate", "use_path_style", "s3ForcePathStyle", "disable_https"}

func checkS3(a Address) error {
	if err := checkFlags(a, s3Flags...); err != nil {
		return err
	}
	if kind := types.ServerSideEncryption(a.Param("ssetype")); kind != "" && !slices.Contains(kind.Values(), kind) {
		return fmt.Errorf("parameter ssetype: want one of %v", kind.Values())
	}
	return checkEndpointOf(a)
}

// checkEndpointOf tells what is wrong with the endpoint of a URL, if it has one.
func checkEndpointOf(a Address) error {
	insecure, err := a.flag("disable_https")
	if err != nil {
		return err
	}
	if endpoint := a.Param("endpoint"); endpoint != "" {
		return checkEndpoint(endpoint, insecure)
	}
	return nil
}

// openS3 opens what a names. Credentials, and the region where a has none, are
// those the AWS SDK finds.
func openS3(ctx context.Context, b *Bucket, a Address, o options) error {
	flags := map[string]bool{}
	for _, name := range s3Flags {
		flags[name], _ = a.flag(name)
	}
	endpoint, styled := a.Param("endpoint"), a.Param("use_path_style") != ""
	q := url.Values{} // what is left to gocloud
	for name, v := range a.params {
		q[name] = v
	}
	for _, name := range []string{
		"accelerate", "use_path_style", "s3ForcePathStyle", "disable_https", "endpoint", "kmskeyid", "ssetype",
		"hostname_immutable", // of the resolver that an endpoint needed once
	} {
		q.Del(name)
	}
	cfg, err := gcaws.V2ConfigFromURLParams(ctx, q)
	if err != nil {
		return err
	}
	if cfg.Region == "" {
		if endpoint == "" {
			return errors.New("no region: add ?region=… or set AWS_REGION")
		}
		cfg.Region = "us-east-1" // what compatible servers expect
	}
	opts := s3blob.Options{KMSEncryptionID: a.Param("kmskeyid"), EncryptionType: types.ServerSideEncryption(a.Param("ssetype"))}
	b.Bucket, err = newS3(ctx, cfg, a.Name, opts, s3Hints, func(c *s3.Options) {
		c.HTTPClient = watched(c.HTTPClient, o)
		c.UseAccelerate = flags["accelerate"]
		c.EndpointOptions.DisableHTTPS = flags["disable_https"]
		c.UsePathStyle = flags["use_path_style"] || flags["s3ForcePathStyle"] || endpoint != "" && !styled
		if endpoint != "" {
			c.BaseEndpoint = &endpoint
		}
		if s3Home(a).store == "r2" {
			c.APIOptions = append(c.APIOptions, asStored)
		}
	})
	return err
}

// watched puts what watches the bucket's requests around the SDK's client,
// which keeps its time-outs and its way with redirections.
func watched(sdk s3.HTTPClient, o options) s3.HTTPClient {
	if built, ok := sdk.(*awshttp.BuildableClient); ok {
		sdk = built.WithTransportOptions(func(t *http.Transport) { t.OnProxyConnectResponse = proxy.Answered })
	}
	return client{o.transport(agent(tripper(sdk.Do)))}
}

type tripper func(*http.Request) (*http.Response, error)

func (t tripper) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

type client struct{ http.RoundTripper }

func (c client) Do(r *http.Request) (*http.Response, error) { return c.RoundTrip(r) }

func newS3(ctx context.Context, cfg aws.Config, name string, opts s3blob.Options, hints hints, set func(*s3.Options)) (*blob.Bucket, error) {
	if !aws.IsCredentialsProvider(cfg.Credentials, (*aws.AnonymousCredentials)(nil)) {
		cfg.Credentials = awsKeys{cfg.Credentials}
	}
	r := &refusals{hints: hints, name: name}
	client := s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.Retryer = s3Retryer()
		o.APIOptions = append(o.APIOptions, r.middleware, linger)
		o.DisableLogOutputChecksumValidationSkipped = true // of every object uploaded in parts
		set(o)
	})
	r.client = client
	opts.RequestChecksumCalculation = cfg.RequestChecksumCalculation
	return s3blob.OpenBucket(ctx, client, name, &opts)
}

// awsKeys tells credentials that cannot be got from a bucket that cannot be
// reached: both may be a connection that fails.
type awsKeys struct{ from aws.CredentialsProvider }

// Retrieve implements [aws.CredentialsProvider].
func (k awsKeys) Retrieve(ctx context.Context) (aws.Credentials, error) {
	keys, err := k.from.Retrieve(ctx)
	return keys, cause.Mark(cause.NoCredentials, err)
}

// s3Retryer is the SDK's standard policy with more patience, and without its
// budget, which fails a request early because others failed.
func s3Retryer() aws.Retryer {
	return awsretry.AddWithErrorCodes(awsretry.NewStandard(func(o *awsretry.StandardOptions) {
		o.MaxAttempts = 8
		o.MaxBackoff = 10 * time.Second
		o.RateLimiter = noLimit{}
	}), "ConditionalRequestConflict") // 409: the race is on; the next answer is 412 or success
}

type noLimit struct{}

func (noLimit) GetToken(context.Context, uint) (func() error, error) {
	return func() error { return nil }, nil
}

func (noLimit) AddTokens(uint) error { return nil }

// abortTimeout is how long it may take to take back an upload that failed.
const abortTimeout = 30 * time.Second

// lingerTime is how long a request may go on that would do harm if cut off.
const lingerTime = 3 * time.Second

// linger lets the requests of a multipart upload go on for a moment after their
// context has ended, so that an abort finds all that there is to take back: of
// an upload cut off at its beginning nobody would know the id, and a part that
// is still on its way may outlive the upload
// (docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html).
func linger(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("Linger",
		func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			switch in.Parameters.(type) {
			case *s3.CreateMultipartUploadInput, *s3.UploadPartInput:
				longer, cancel := retry.Linger(ctx, lingerTime)
				defer cancel()
				ctx = longer
			}
			return next.HandleInitialize(ctx, in)
		}), middleware.Before)
}

// tuneUpload sets what a writer's options cannot. The SDK aborts a failed
// multipart upload under the context that failed it, unless it is given a time
// of its own: a cancelled one would stay, invisible and paid for. And it holds
// 16 MiB before it begins, whatever the size of a part. whole returns the object,
// if all of it is there to be sent as the upload begins.
func tuneUpload(client *s3.Client, opts *blob.WriterOptions, whole func() []byte) {
	before := opts.BeforeWrite
	part, concurrency := int64(opts.BufferSize), opts.MaxConcurrency
	opts.BeforeWrite = func(as func(any) bool) error {
		var manager *transfermanager.Client
		if as(&manager) {
			// The options of a manager cannot be changed, but it can be.
			checksums := client.Options().RequestChecksumCalculation
			var api transfermanager.S3APIClient = client
			if body := whole(); body != nil {
				api = atOnce{client, body}
			}
			*manager = *transfermanager.New(api, func(o *transfermanager.Options) {
				o.RequestChecksumCalculation = checksums
				o.PartSizeBytes = part
				o.MultipartUploadThreshold = part
				o.Concurrency = concurrency
				o.FailTimeout = abortTimeout
			})
		}
		if before != nil {
			return before(as)
		}
		return nil
	}
}
