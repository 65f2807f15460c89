package oss_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	sdk "github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss"
	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss/credentials"

	"github.com/siemfeed/siemfeed/pkg/emulator/inprocess"
	"github.com/siemfeed/siemfeed/pkg/emulator/oss"
)

// client is the vendor's, which signs on its own.
func client(t *testing.T, url string, set func(*sdk.Config)) *sdk.Client {
	t.Helper()
	cfg := sdk.NewConfig().WithRegion("cn-hangzhou").WithEndpoint(url).WithRetryMaxAttempts(1).
		WithCredentialsProvider(credentials.NewStaticCredentialsProvider("ak", "secret"))
	if set != nil {
		set(cfg)
	}
	return sdk.NewClient(cfg)
}

func start(t *testing.T, opts oss.Options) (*oss.Server, *oss.Bucket, string) {
	t.Helper()
	s := oss.New(opts)
	t.Cleanup(s.Close)
	return s, s.AddBucket("logs"), s.Start()
}

var name = sdk.Ptr("logs")

func put(c *sdk.Client, key, body string, headers map[string]string) (*sdk.PutObjectResult, error) {
	return c.PutObject(context.Background(), &sdk.PutObjectRequest{
		Bucket: name, Key: &key, Body: strings.NewReader(body), RequestCommon: sdk.RequestCommon{Headers: headers},
	})
}

// refused checks an error's status and code.
func refused(t *testing.T, what string, err error, status int, code string) {
	t.Helper()
	var e *sdk.ServiceError
	if !errors.As(err, &e) || e.StatusCode != status || e.Code != code || e.RequestID == "" {
		t.Errorf("%s: %v, want %d %s", what, err, status, code)
	}
}

func TestSignatures(t *testing.T) {
	s, _, url := start(t, oss.Options{})
	for _, version := range []sdk.SignatureVersionType{sdk.SignatureVersionV1, sdk.SignatureVersionV4} {
		c := client(t, url, func(cfg *sdk.Config) { cfg.WithSignatureVersion(version) })
		const key = "a b/ü+%2F?x=y&z"
		if _, err := put(c, key, "text", map[string]string{"x-oss-meta-a": " padded "}); err != nil {
			t.Fatal(err)
		}
		if r, err := c.GetObject(t.Context(), &sdk.GetObjectRequest{Bucket: name, Key: sdk.Ptr(key), ResponseContentType: sdk.Ptr("a/b")}); err != nil {
			t.Error(err)
		} else if text, _ := io.ReadAll(r.Body); string(text) != "text" || r.Metadata["a"] != "padded" {
			t.Errorf("%q, %v", text, r.Metadata)
		}
		if l, err := c.ListObjectsV2(t.Context(), &sdk.ListObjectsV2Request{Bucket: name, Prefix: sdk.Ptr("a b/ü")}); err != nil || len(l.Contents) != 1 || *l.Contents[0].Key != key {
			t.Errorf("%+v, %v", l, err)
		}
		c = client(t, url, func(cfg *sdk.Config) {
			cfg.WithSignatureVersion(version).WithCredentialsProvider(credentials.NewStaticCredentialsProvider("ak", "wrong"))
		})
		_, err := put(c, key, "text", nil)
		refused(t, "wrong secret", err, 403, "SignatureDoesNotMatch")
	}
	_, err := put(client(t, url, func(cfg *sdk.Config) { cfg.WithRegion("cn-beijing") }), "k", "", nil)
	refused(t, "another region", err, 400, "InvalidArgument")
	_, err = put(client(t, url, func(cfg *sdk.Config) { cfg.WithCredentialsProvider(credentials.NewAnonymousCredentialsProvider()) }), "k", "", nil)
	refused(t, "anonymous", err, 403, "AccessDenied")
	if n := s.Requests("PutObject"); n != 2 {
		t.Errorf("%d requests got past the signature", n)
	}
}

// A request that was changed on its way does not fit its signature.
func TestTamperedRequest(t *testing.T) {
	_, _, url := start(t, oss.Options{})
	for _, change := range []func(*http.Request){
		func(r *http.Request) { r.URL.Path = "/logs/other" },
		func(r *http.Request) { r.URL.RawQuery = "x-oss-process=a" },
		func(r *http.Request) { r.Header.Set("x-oss-forbid-overwrite", "false") },
		func(r *http.Request) { r.Header.Set("Content-Type", "other") },
		func(r *http.Request) { r.Method = http.MethodPost; r.URL.RawQuery = "uploads" },
	} {
		c := client(t, url, func(cfg *sdk.Config) {
			cfg.WithHttpClient(&http.Client{Transport: tamper(change)})
		})
		_, err := put(c, "k", "text", nil)
		refused(t, "tampered", err, 403, "SignatureDoesNotMatch")
	}
}

type tamper func(*http.Request)

func (f tamper) RoundTrip(r *http.Request) (*http.Response, error) {
	f(r)
	return http.DefaultTransport.RoundTrip(r)
}

func TestConditionalWrites(t *testing.T) {
	_, bucket, url := start(t, oss.Options{})
	c := client(t, url, nil)
	for _, header := range []string{"If-None-Match", "If-Match"} {
		_, err := put(c, "k", "x", map[string]string{header: "*"})
		refused(t, header, err, 501, "NotImplemented")
	}
	forbid := map[string]string{"x-oss-forbid-overwrite": "true"}
	if _, err := put(c, "k", "first", forbid); err != nil {
		t.Fatal(err)
	}
	_, err := put(c, "k", "second", forbid)
	refused(t, "put", err, 409, "FileAlreadyExists")
	_, err = c.InitiateMultipartUpload(t.Context(), &sdk.InitiateMultipartUploadRequest{Bucket: name, Key: sdk.Ptr("k"), ForbidOverwrite: sdk.Ptr("true")})
	refused(t, "initiate", err, 409, "FileAlreadyExists")
	_, err = c.CopyObject(t.Context(), &sdk.CopyObjectRequest{Bucket: name, Key: sdk.Ptr("k"), SourceKey: sdk.Ptr("k"), ForbidOverwrite: sdk.Ptr("true")})
	refused(t, "copy", err, 409, "FileAlreadyExists")
	for _, status := range []string{"Enabled", "Suspended"} {
		bucket.SetVersioning(status)
		if r, err := put(c, "k", status, forbid); err != nil || sdk.ToString(r.VersionId) == "" {
			t.Errorf("versioning %s: %+v, %v", status, r, err)
		}
		if v, err := c.GetBucketVersioning(t.Context(), &sdk.GetBucketVersioningRequest{Bucket: name}); err != nil || sdk.ToString(v.VersionStatus) != status {
			t.Errorf("%+v, %v", v, err)
		}
		if v, err := c.GetBucketInfo(t.Context(), &sdk.GetBucketInfoRequest{Bucket: name}); err != nil || sdk.ToString(v.BucketInfo.Versioning) != status {
			t.Errorf("%+v, %v", v, err)
		}
	}
}

func upload(t *testing.T, c *sdk.Client, key string, forbidAtFirst bool, sizes ...int) (id *string, parts []sdk.UploadPart) {
	t.Helper()
	in := &sdk.InitiateMultipartUploadRequest{Bucket: name, Key: &key}
	if forbidAtFirst {
		in.ForbidOverwrite = sdk.Ptr("true")
	}
	u, err := c.InitiateMultipartUpload(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	for i, size := range sizes {
		p, err := c.UploadPart(t.Context(), &sdk.UploadPartRequest{Bucket: name, Key: &key, UploadId: u.UploadId, PartNumber: int32(i + 1), Body: bytes.NewReader(make([]byte, size))})
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, sdk.UploadPart{PartNumber: int32(i + 1), ETag: p.ETag})
	}
	return u.UploadId, parts
}

func finish(c *sdk.Client, key string, id *string, parts []sdk.UploadPart, forbid bool) error {
	in := &sdk.CompleteMultipartUploadRequest{Bucket: name, Key: &key, UploadId: id, CompleteMultipartUpload: &sdk.CompleteMultipartUpload{Parts: parts}}
	if forbid {
		in.ForbidOverwrite = sdk.Ptr("true")
	}
	_, err := c.CompleteMultipartUpload(context.Background(), in)
	return err
}

func TestMultipart(t *testing.T) {
	_, bucket, url := start(t, oss.Options{})
	c := client(t, url, nil)
	const most = 100 << 10

	id, parts := upload(t, c, "small", false, most-1, 1)
	refused(t, "small part", finish(c, "small", id, parts, false), 400, "EntityTooSmall")
	id, parts = upload(t, c, "k", false, most, most, 1)
	wrong := append([]sdk.UploadPart{}, parts...)
	wrong[1].ETag = parts[2].ETag
	refused(t, "wrong ETag", finish(c, "k", id, wrong, false), 400, "InvalidPart")
	refused(t, "no parts", finish(c, "k", id, nil, false), 400, "MalformedXML")
	if err := finish(c, "k", id, parts, false); err != nil {
		t.Fatal(err)
	}
	refused(t, "completed twice", finish(c, "k", id, parts, false), 404, "NoSuchUpload")
	_, err := c.AbortMultipartUpload(t.Context(), &sdk.AbortMultipartUploadRequest{Bucket: name, Key: sdk.Ptr("k"), UploadId: id})
	refused(t, "aborted after", err, 404, "NoSuchUpload")
	h, err := c.HeadObject(t.Context(), &sdk.HeadObjectRequest{Bucket: name, Key: sdk.Ptr("k")})
	if err != nil || h.ContentLength != 2*most+1 || h.ContentMD5 != nil || !strings.HasSuffix(*h.ETag, `-3"`) {
		t.Errorf("%+v, %v", h, err)
	}

	// The header binds the request that carries it, and no other.
	id, parts = upload(t, c, "new", true, 1)
	if _, err := put(c, "new", "meanwhile", nil); err != nil {
		t.Fatal(err)
	}
	refused(t, "completion", finish(c, "new", id, parts, true), 409, "FileAlreadyExists")
	if err := finish(c, "new", id, parts, false); err != nil {
		t.Errorf("a completion without the header: %v", err)
	}
	if n := bucket.Unfinished(); n != 1 { // the one with small parts
		t.Errorf("%d uploads", n)
	}
}

func TestRanges(t *testing.T) {
	_, _, url := start(t, oss.Options{})
	c := client(t, url, nil)
	if _, err := put(c, "k", "0123456789", nil); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ spec, behavior, want string }{
		{"bytes=2-4", "", "234"},
		{"bytes=8-", "", "89"},
		{"bytes=-3", "", "789"},
		{"bytes=5-20", "", "0123456789"}, // the whole object
		{"bytes=5-20", "standard", "56789"},
		{"bytes=10-", "", "0123456789"},
		{"bytes=10-", "standard", "InvalidRange"},
		{"lines=1-2", "", "0123456789"},
	} {
		r, err := c.GetObject(t.Context(), &sdk.GetObjectRequest{Bucket: name, Key: sdk.Ptr("k"), Range: &tc.spec, RangeBehavior: &tc.behavior})
		if tc.want == "InvalidRange" {
			refused(t, tc.spec, err, 416, tc.want)
			continue
		}
		if err != nil {
			t.Error(tc, err)
			continue
		}
		if got, _ := io.ReadAll(r.Body); string(got) != tc.want {
			t.Errorf("%+v: %q", tc, got)
		}
	}
	_, err := c.GetObject(t.Context(), &sdk.GetObjectRequest{Bucket: name, Key: sdk.Ptr("k"), IfMatch: sdk.Ptr(`"X"`)})
	refused(t, "If-Match", err, 412, "PreconditionFailed")
}

func TestListPages(t *testing.T) {
	_, _, url := start(t, oss.Options{})
	c := client(t, url, nil)
	var want []string
	for i := range 25 {
		for _, key := range []string{fmt.Sprintf("d%02d/x", i), fmt.Sprintf("d%02d/y", i), fmt.Sprintf("f%02d", i)} {
			if _, err := put(c, key, "x", nil); err != nil {
				t.Fatal(err)
			}
		}
		want = append(want, fmt.Sprintf("d%02d/", i))
	}
	for i := range 25 {
		want = append(want, fmt.Sprintf("f%02d", i))
	}
	var got []string
	in := &sdk.ListObjectsV2Request{Bucket: name, Delimiter: sdk.Ptr("/"), MaxKeys: 7}
	for {
		l, err := c.ListObjectsV2(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if l.KeyCount > 7 || l.KeyCount != len(l.Contents)+len(l.CommonPrefixes) {
			t.Errorf("a page of %d", l.KeyCount)
		}
		for _, p := range l.CommonPrefixes {
			got = append(got, *p.Prefix)
		}
		for _, o := range l.Contents {
			got = append(got, *o.Key)
		}
		if !l.IsTruncated {
			break
		}
		in.ContinuationToken = l.NextContinuationToken
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v", got)
	}
	_, err := c.ListObjectsV2(t.Context(), &sdk.ListObjectsV2Request{Bucket: name, MaxKeys: 1001})
	refused(t, "1001 keys", err, 400, "InvalidArgument")
}

func TestRefusals(t *testing.T) {
	s, bucket, url := start(t, oss.Options{})
	c := client(t, url, nil)
	_, err := c.HeadObject(t.Context(), &sdk.HeadObjectRequest{Bucket: name, Key: sdk.Ptr("k")})
	refused(t, "HEAD", err, 404, "NoSuchKey")
	_, err = c.HeadObject(t.Context(), &sdk.HeadObjectRequest{Bucket: sdk.Ptr("none"), Key: sdk.Ptr("k")})
	refused(t, "HEAD", err, 404, "NoSuchBucket")
	for header, code := range map[[2]string]string{
		{"x-oss-meta-a_b", "x"}: "InvalidArgument", {"x-oss-meta-a", "ü"}: "InvalidArgument",
		{"x-oss-meta-a", strings.Repeat("x", 8<<10)}: "InvalidArgument", {"Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg=="}: "InvalidDigest",
	} {
		_, err := put(c, "k", "x", map[string]string{header[0]: header[1]})
		refused(t, header[0], err, 400, code)
	}
	_, err = put(c, strings.Repeat("k", 1024), "x", nil)
	refused(t, "long name", err, 400, "InvalidObjectName")
	if _, err := put(c, "k", "x", nil); err != nil {
		t.Fatal(err)
	}
	bucket.Archive("k")
	_, err = c.GetObject(t.Context(), &sdk.GetObjectRequest{Bucket: name, Key: sdk.Ptr("k")})
	refused(t, "archived", err, 403, "InvalidObjectState")
	_, err = c.CopyObject(t.Context(), &sdk.CopyObjectRequest{Bucket: name, Key: sdk.Ptr("l"), SourceKey: sdk.Ptr("k")})
	refused(t, "copy of archived", err, 403, "InvalidObjectState")
	for range 2 { // the second finds nothing, and is answered the same
		if _, err := c.DeleteObject(t.Context(), &sdk.DeleteObjectRequest{Bucket: name, Key: sdk.Ptr("k")}); err != nil {
			t.Error(err)
		}
	}
	if r, err := c.DeleteMultipleObjects(t.Context(), &sdk.DeleteMultipleObjectsRequest{Bucket: name, Objects: []sdk.DeleteObject{{Key: sdk.Ptr("<a>&")}, {Key: sdk.Ptr("b")}}}); err != nil || len(r.DeletedObjects) != 2 {
		t.Errorf("%+v, %v", r, err)
	}
	s.Deny("oss:DeleteObject")
	_, err = c.DeleteObject(t.Context(), &sdk.DeleteObjectRequest{Bucket: name, Key: sdk.Ptr("k")})
	refused(t, "without the permission", err, 403, "AccessDenied")
}

func TestClock(t *testing.T) {
	_, _, url := start(t, oss.Options{Now: func() time.Time { return time.Now().Add(-time.Hour) }})
	c := client(t, url, nil)
	_, err := put(c, "k", "x", nil)
	refused(t, "clock", err, 403, "RequestTimeTooSkewed")
}

// The bucket stands before a host that is a name.
func TestVirtualHost(t *testing.T) {
	s, bucket, _ := start(t, oss.Options{})
	c := client(t, "http://oss-cn-hangzhou.example", func(cfg *sdk.Config) {
		cfg.WithHttpClient(&http.Client{Transport: inprocess.Transport{Handler: s}})
	})
	if _, err := put(c, "a/k", "x", nil); err != nil || fmt.Sprint(bucket.Keys()) != "[a/k]" {
		t.Error(bucket.Keys(), err)
	}
}
