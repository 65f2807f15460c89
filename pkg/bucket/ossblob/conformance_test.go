package ossblob_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	ossdk "github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss"
	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss/credentials"
	"go.uber.org/goleak"
	"gocloud.dev/blob"
	"gocloud.dev/blob/driver"
	"gocloud.dev/blob/drivertest"

	"github.com/siemfeed/siemfeed/pkg/bucket/ossblob"
	"github.com/siemfeed/siemfeed/pkg/emulator/oss"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quick = retry.Policy{Attempts: 8, Base: time.Millisecond, Max: 5 * time.Millisecond}

func options(url string) ossblob.Options {
	return ossblob.Options{
		Region: "cn-hangzhou", Endpoint: url, Retry: quick,
		Credentials: credentials.NewStaticCredentialsProvider("ak", "secret"),
	}
}

// serve starts an emulated account with a bucket "logs".
func serve(t *testing.T, opts oss.Options) (*oss.Server, *oss.Bucket, string) {
	t.Helper()
	s := oss.New(opts)
	t.Cleanup(s.Close)
	return s, s.AddBucket("logs"), s.Start()
}

// open opens the bucket "logs".
func open(t *testing.T, o ossblob.Options) (*blob.Bucket, *ossblob.Bucket) {
	t.Helper()
	d, err := ossblob.New("logs", o)
	if err != nil {
		t.Fatal(err)
	}
	b := blob.NewBucket(d)
	t.Cleanup(func() { _ = b.Close() })
	return b, d
}

type harness struct {
	server *oss.Server
	url    string
}

func (h *harness) MakeDriver(context.Context) (driver.Bucket, error) {
	return ossblob.New("logs", options(h.url))
}

func (h *harness) MakeDriverForNonexistentBucket(context.Context) (driver.Bucket, error) {
	return nil, nil // not among the missing objects: see TestBucketThatIsNotThere
}

func (h *harness) HTTPClient() *http.Client         { return nil }
func (h *harness) SupportsCopy() bool               { return true }
func (h *harness) SupportsNonSlashDelimiters() bool { return true }
func (h *harness) Close()                           { h.server.Close() }

// TestDriver holds the driver to gocloud's own suite.
func TestDriver(t *testing.T) {
	newHarness := func(context.Context, *testing.T) (drivertest.Harness, error) {
		s := oss.New(oss.Options{})
		s.AddBucket("logs")
		return &harness{s, s.Start()}, nil
	}
	drivertest.RunConformanceTests(t, newHarness, []drivertest.AsTest{sdkTypes{}})
}

// sdkTypes looks for the SDK's types where As promises them.
type sdkTypes struct{}

func wants(ok bool, what string) error {
	if !ok {
		return errors.New("As does not find " + what)
	}
	return nil
}

func (sdkTypes) Name() string { return "the SDK's types" }

func (sdkTypes) BucketCheck(b *blob.Bucket) error {
	var c *ossdk.Client
	return wants(b.As(&c), "the client")
}

func (sdkTypes) ErrorCheck(b *blob.Bucket, err error) error {
	var e *ossdk.ServiceError
	return wants(b.ErrorAs(err, &e) && e.Code == "NoSuchKey", "the service's error")
}

func (sdkTypes) BeforeRead(as func(any) bool) error {
	var in *ossdk.GetObjectRequest
	return wants(as(&in), "the GET")
}

func (sdkTypes) BeforeWrite(as func(any) bool) error {
	var in *ossdk.PutObjectRequest
	return wants(as(&in), "the PUT")
}

func (sdkTypes) BeforeCopy(as func(any) bool) error {
	var in *ossdk.CopyObjectRequest
	return wants(as(&in), "the copy")
}

func (sdkTypes) BeforeDelete(as func(any) bool) error {
	var in *ossdk.DeleteObjectRequest
	return wants(as(&in), "the DELETE")
}

func (sdkTypes) BeforeList(as func(any) bool) error {
	var in *ossdk.ListObjectsV2Request
	return wants(as(&in), "the list")
}

func (sdkTypes) BeforeSign(func(any) bool) error { return nil }

func (sdkTypes) AttributesCheck(a *blob.Attributes) error {
	var h *ossdk.HeadObjectResult
	return wants(a.As(&h), "the answer to HEAD")
}

func (sdkTypes) ReaderCheck(r *blob.Reader) error {
	var g *ossdk.GetObjectResult
	return wants(r.As(&g), "the answer to GET")
}

func (sdkTypes) ListObjectCheck(o *blob.ListObject) error {
	var p ossdk.ObjectProperties
	var d ossdk.CommonPrefix
	return wants(o.As(&p) || o.IsDir && o.As(&d), "the listed object")
}
