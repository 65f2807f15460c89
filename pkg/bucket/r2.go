package bucket

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	gcaws "gocloud.dev/aws"
	"gocloud.dev/blob/s3blob"
)

// R2 is what r2:// URLs need besides a bucket's name. What a URL says itself,
// by account_id or endpoint, goes first.
type R2 struct {
	AccountID string
	// AccessKeyID and SecretAccessKey are those of an R2 API token; without
	// them the AWS SDK looks for credentials as for s3://.
	AccessKeyID, SecretAccessKey string
	// Endpoint overrides the account's, https://<account>.r2.cloudflarestorage.com.
	Endpoint string
}

// String keeps the secret from being printed.
func (r R2) String() string {
	return fmt.Sprintf("R2{account %s, key %s, endpoint %s}", r.AccountID, r.AccessKeyID, r.Endpoint)
}

// GoString keeps the secret from being printed.
func (r R2) GoString() string { return r.String() }

// LogValue keeps the secret from being logged.
func (r R2) LogValue() slog.Value { return slog.StringValue(r.String()) }

var r2Params = []string{"account_id", "jurisdiction", "endpoint", "disable_https"}

// endpoint returns where the account of a r2:// URL is served
// (developers.cloudflare.com/r2/api/s3/api, "jurisdictions").
func (r R2) endpoint(a Address) (string, error) {
	if e := a.Param("endpoint"); e != "" {
		return e, nil
	}
	account, place := a.Param("account_id"), a.Param("jurisdiction")
	switch {
	case account == "" && r.Endpoint != "":
		return r.Endpoint, nil
	case account == "":
		account = r.AccountID
	}
	if place != "" {
		place = "." + place
	}
	if account == "" {
		return "", errors.New("no account: add ?account_id=… or set R2_ACCOUNT_ID")
	}
	return "https://" + account + place + ".r2.cloudflarestorage.com", nil
}

func checkR2(a Address) error {
	for _, name := range []string{"account_id", "jurisdiction"} {
		for _, r := range a.Param(name) {
			if (r < 'a' || r > 'z') && (r < '0' || r > '9') {
				return fmt.Errorf("parameter %s: want lower-case letters and digits", name)
			}
		}
	}
	return checkEndpointOf(a)
}

// openR2 speaks S3 the way R2 does: path style, no checksums but those the
// protocol requires, no 100-continue (developers.cloudflare.com/r2/examples/aws).
func openR2(ctx context.Context, b *Bucket, a Address, o options) error {
	endpoint, err := o.r2.endpoint(a)
	if err != nil {
		return err
	}
	insecure, _ := a.flag("disable_https")
	if err := checkEndpoint(endpoint, insecure); err != nil {
		return err
	}
	cfg, err := gcaws.V2ConfigFromURLParams(ctx, url.Values{
		"region":                       {"auto"},
		"request_checksum_calculation": {"when_required"},
		"response_checksum_validation": {"when_required"},
	})
	if err != nil {
		return err
	}
	if key := o.r2; key.AccessKeyID != "" || key.SecretAccessKey != "" {
		cfg.Credentials = aws.NewCredentialsCache(credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, ""))
	}
	b.Bucket, err = newS3(ctx, cfg, a.Name, s3blob.Options{}, r2Hints, func(c *s3.Options) {
		c.HTTPClient = watched(c.HTTPClient, o)
		c.BaseEndpoint = &endpoint
		c.UsePathStyle = true
		c.ContinueHeaderThresholdBytes = -1
		c.APIOptions = append(c.APIOptions, asStored)
	})
	return err
}

// asStored makes R2 send an object's bytes as they are. One that was stored
// with Content-Encoding: gzip it would otherwise unpack on the way
// (rclone, backend/s3/s3_internal_test.go).
func asStored(stack *middleware.Stack) error {
	if _, ok := stack.Finalize.Get("DisableAcceptEncodingGzip"); !ok {
		return nil
	}
	return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("AcceptAsStored",
		func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
			if req, ok := in.Request.(*smithyhttp.Request); ok {
				req.Header.Set("Accept-Encoding", "gzip")
			}
			return next.HandleFinalize(ctx, in)
		}), "DisableAcceptEncodingGzip", middleware.After)
}

// checkEndpoint tells what is wrong with an endpoint. Plain http goes to an IP
// literal or localhost, or where insecure says so.
func checkEndpoint(raw string, insecure bool) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "":
		return errors.New("the endpoint is not a URL with a host, such as https://host")
	case u.User != nil:
		return errors.New("credentials do not belong into an endpoint")
	case u.Scheme == "https":
		return nil
	case u.Scheme != "http":
		return fmt.Errorf("the endpoint's scheme %q: want https", u.Scheme)
	case insecure || u.Hostname() == "localhost" || net.ParseIP(u.Hostname()) != nil:
		return nil
	}
	return fmt.Errorf("plain http to %s would send logs in the clear: use https, or add disable_https=true to the bucket URL", u.Hostname())
}
