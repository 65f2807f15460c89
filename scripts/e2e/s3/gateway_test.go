package s3

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
	"github.com/siemfeed/siemfeed/scripts/e2e/versity"
)

const (
	accessKey = "access-key-of-the-test"
	secretKey = "s3cret-key-of-the-test"
	region    = "auto" // the gateway knows one, and R2's is this
)

// gateway is the one server of this package, since versitygw allows no second
// one in a process. A test has a bucket of its own.
var gateway struct {
	admin  *awss3.Client
	s3, r2 *httptest.Server // the ways to it
	faults fault.Injector   // on both
}

// home is this package's folder: the gateway changes the working directory.
var home string

func TestMain(m *testing.M) {
	home, _ = os.Getwd()
	log.SetOutput(io.Discard) // the SDK writes there what the tests provoke
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "versitygw")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	address, err := freeAddress()
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- versity.Serve(ctx, dir, address, region, accessKey, secretKey) }()
	defer func() { cancel(); <-ended }()

	gateway.admin = awss3.New(awss3.Options{
		BaseEndpoint: aws.String("http://" + address), Region: region, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(accessKey, secretKey, ""),
	})
	if err := ready(ctx, ended); err != nil {
		return 0, err
	}
	proxy := forward(address)
	gateway.s3 = httptest.NewServer(gateway.faults.Wrap(proxy))
	defer gateway.s3.Close()
	gateway.r2 = httptest.NewServer(gateway.faults.Wrap(newR2(proxy)))
	defer gateway.r2.Close()
	for k, v := range map[string]string{"AWS_ACCESS_KEY_ID": accessKey, "AWS_SECRET_ACCESS_KEY": secretKey, "AWS_EC2_METADATA_DISABLED": "true"} {
		if err := os.Setenv(k, v); err != nil {
			return 0, err
		}
	}
	return m.Run(), nil
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func ready(ctx context.Context, ended <-chan error) error {
	for range 100 {
		if _, err := gateway.admin.ListBuckets(ctx, &awss3.ListBucketsInput{}); err == nil {
			return nil
		}
		select {
		case err := <-ended:
			return fmt.Errorf("the gateway ended: %w", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
	return fmt.Errorf("the gateway does not answer")
}

// forward passes requests on as they are, with the Host they were signed for.
func forward(address string) http.Handler {
	target := &url.URL{Scheme: "http", Host: address}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
		},
		Transport: &http.Transport{MaxIdleConnsPerHost: 100, DisableCompression: true},
	}
}

var buckets atomic.Int64

// newBucket makes an empty bucket and returns its name.
func newBucket(t *testing.T) string {
	t.Helper()
	name := fmt.Sprintf("bucket-%d", buckets.Add(1))
	if _, err := gateway.admin.CreateBucket(t.Context(), &awss3.CreateBucketInput{Bucket: &name}); err != nil {
		t.Fatal(err)
	}
	return name
}

// kinds are the two ways to open a bucket of the server.
var kinds = map[string]func(name string) string{
	"s3": func(name string) string { return "s3://" + name + "?region=" + region + "&endpoint=" + gateway.s3.URL },
	"r2": func(name string) string { return "r2://" + name + "?endpoint=" + gateway.r2.URL },
}

var r2Keys = bucket.WithR2(bucket.R2{AccessKeyID: accessKey, SecretAccessKey: secretKey})

func open(t *testing.T, url string) *bucket.Bucket {
	t.Helper()
	b, err := bucket.Open(context.Background(), url, r2Keys)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func unfinished(t *testing.T, name string) int {
	t.Helper()
	out, err := gateway.admin.ListMultipartUploads(t.Context(), &awss3.ListMultipartUploadsInput{Bucket: &name})
	if err != nil {
		t.Fatal(err)
	}
	return len(out.Uploads)
}
