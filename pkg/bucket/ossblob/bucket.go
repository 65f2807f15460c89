// Package ossblob is a gocloud.dev/blob driver for Alibaba Cloud Object Storage
// Service (OSS), on the vendor's SDK.
//
// What is created only where nothing is goes out with x-oss-forbid-overwrite,
// since OSS knows no If-None-Match on writes. The header is needed at the
// beginning and at the end of a multipart upload alike, and it takes no effect
// in a bucket whose versioning is enabled or suspended: see
// [Bucket.CreateOnly]. Source: "PutObject", "InitiateMultipartUpload" and
// "CompleteMultipartUpload" at alibabacloud.com/help/en/oss/developer-reference.
//
// As finds the SDK's types: *oss.Client of a bucket; *oss.HeadObjectResult of
// attributes; *oss.GetObjectResult of a reader; oss.ObjectProperties of a listed
// object; *oss.GetObjectRequest, *oss.PutObjectRequest, *oss.CopyObjectRequest,
// *oss.DeleteObjectRequest and *oss.ListObjectsV2Request before a call; and
// *oss.ServiceError of an error. A put's request stands for that of a multipart
// upload, too.
package ossblob

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss"
	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss/credentials"
	ossretry "github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss/retry"
	"gocloud.dev/blob/driver"

	"github.com/siemfeed/siemfeed/pkg/proxy"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/version"
)

// Options is what a bucket needs besides its name.
type Options struct {
	// Region is the bucket's, such as cn-hangzhou; signatures hold it.
	Region string
	// Internal takes the endpoint that is reached from within the region only,
	// where traffic costs nothing.
	Internal bool
	// Endpoint overrides the region's, as a URL.
	Endpoint string
	// Credentials sign the requests. They are asked before each one, so they
	// have to keep what they fetched; their errors are final.
	Credentials credentials.CredentialsProvider
	// Transport wraps what the requests go through; nil leaves it as it is.
	Transport func(http.RoundTripper) http.RoundTripper
	// Retry bounds the attempts at one request; by default 8 within about a
	// minute.
	Retry retry.Policy
	// Explain may add to an error of the service what to do about it; code is
	// the service's own, such as NoSuchBucket. nil adds nothing.
	Explain func(code string, err error) error
}

// headerTimeout is how long an answer may keep one waiting; the completion of a
// large upload takes its time.
const headerTimeout = time.Minute

// Bucket is a [driver.Bucket]. It is safe for concurrent use.
type Bucket struct {
	name    string
	client  *oss.Client
	base    *http.Transport
	retry   retry.Policy
	explain func(code string, err error) error

	mu        sync.Mutex // guards unversioned
	looked    time.Time  // when the bucket was last seen without versioning
	mayNotAsk bool
}

// New returns the driver of a bucket. Nothing is asked of it yet.
func New(name string, o Options) (*Bucket, error) {
	switch {
	case o.Region == "":
		return nil, errors.New("no region")
	case o.Credentials == nil:
		return nil, errors.New("no credentials")
	}
	base := proxy.Transport()
	// Go would ask for gzip and unpack what comes: OSS packs some types on the
	// way, and what is stored packed has to be read as it is.
	base.DisableCompression = true
	base.ResponseHeaderTimeout = headerTimeout
	base.MaxIdleConnsPerHost = 16
	var wrapped http.RoundTripper = base
	if o.Transport != nil {
		wrapped = o.Transport(base)
	}
	cfg := oss.NewConfig().
		WithRegion(o.Region).
		WithUseInternalEndpoint(o.Internal).
		WithCredentialsProvider(final{o.Credentials}).
		WithUserAgent(version.UserAgent()).
		WithRetryer(ossretry.NopRetryer{}). // see call
		WithHttpClient(&http.Client{
			Transport:     wrapped,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // it would be signed for another host
		})
	if o.Endpoint != "" {
		u, err := url.Parse(o.Endpoint)
		if err != nil || u.Host == "" {
			return nil, errors.New("the endpoint is not a URL with a host")
		}
		// Of an address the SDK knows that no bucket's name can stand before it.
		cfg.WithEndpoint(o.Endpoint).WithUsePathStyle(u.Hostname() == "localhost" || net.ParseIP(u.Hostname()) != nil)
	}
	client := oss.NewClient(cfg, func(c *oss.Options) {
		// The one writes to the client without a lock, the other guesses a type
		// where none is wanted.
		c.FeatureFlags &^= oss.FeatureCorrectClockSkew | oss.FeatureAutoDetectMimeType
	})
	b := &Bucket{name: name, client: client, base: base, retry: o.Retry, explain: o.Explain}
	if b.retry.Attempts == 0 {
		b.retry.Attempts, b.retry.Base, b.retry.Max = 8, 300*time.Millisecond, 10*time.Second
	}
	if b.explain == nil {
		b.explain = func(_ string, err error) error { return err }
	}
	return b, nil
}

// As implements [driver.Bucket].
func (b *Bucket) As(i any) bool { return as(i, b.client) }

// Close implements [driver.Bucket].
func (b *Bucket) Close() error {
	b.base.CloseIdleConnections()
	return nil
}

// SignedURL implements [driver.Bucket]: nothing here gives its right away.
func (b *Bucket) SignedURL(context.Context, string, *driver.SignedURLOptions) (string, error) {
	return "", errUnsupported
}

// as sets the value that i points to, if it is of v's type.
func as[T any](i any, v T) bool {
	p, ok := i.(*T)
	if ok {
		*p = v
	}
	return ok
}

// asker returns the function that a callback gets to reach v with.
func asker[T any](v T) func(any) bool { return func(i any) bool { return as(i, v) } }
