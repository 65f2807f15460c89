package doctor_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/pkg/alibaba"
	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/cause"
	"github.com/siemfeed/siemfeed/pkg/doctor"
	"github.com/siemfeed/siemfeed/pkg/doctor/doctortest"
	"github.com/siemfeed/siemfeed/pkg/emulator/oss"
)

var quick = doctor.New(time.Second)

func open(t *testing.T, url string) doctor.Bucket {
	t.Helper()
	b, err := bucket.Open(t.Context(), url, bucket.WithOSS(alibaba.Static("ak", "secret", "")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return doctor.Bucket{Bucket: b, Variable: "THE_URL"}
}

// refuse serves a store that refuses everything.
func refuse(t *testing.T, status int, body string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", http.DetectContentType([]byte(body)))
		w.WriteHeader(status)
		_, _ = fmt.Fprint(w, body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// A bucket that is not there is told from one that may not be read, one that may
// not be written, and keys that are wrong.
func TestStoresRefusals(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "id")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	amazon := func(status int, code string) func() string {
		return func() string {
			return "s3://b?region=us-east-1&endpoint=" + refuse(t, status, "<?xml version=\"1.0\"?><Error><Code>"+code+"</Code><Message>no</Message></Error>")
		}
	}
	google := func(status int) func() string {
		return func() string {
			t.Setenv("STORAGE_EMULATOR_HOST", refuse(t, status, fmt.Sprintf(`{"error":{"code":%d,"message":"no"}}`, status)))
			return "gs://b"
		}
	}
	for _, tc := range []struct {
		url         func() string
		read, write cause.Code
		change      string // what the fix of the write names
	}{
		{amazon(404, "NoSuchBucket"), cause.BucketMissing, cause.BucketMissing, "THE_URL"},
		{amazon(403, "AccessDenied"), cause.BucketNotReadable, cause.BucketNotWritable, "s3:PutObject"},
		{amazon(403, "SignatureDoesNotMatch"), cause.CredentialsRefused, cause.CredentialsRefused, "AWS_SECRET_ACCESS_KEY"},
		{amazon(403, "InvalidAccessKeyId"), cause.CredentialsRefused, cause.CredentialsRefused, "AWS_ACCESS_KEY_ID"},
		{amazon(403, "RequestTimeTooSkewed"), cause.ClockOff, cause.ClockOff, "clock"},
		{amazon(301, "PermanentRedirect"), cause.BucketElsewhere, cause.BucketElsewhere, "region"},
		{google(401), cause.CredentialsRefused, cause.CredentialsRefused, "GOOGLE_APPLICATION_CREDENTIALS"},
		{google(403), cause.BucketNotReadable, cause.BucketNotWritable, "roles/storage.objectUser"},
		{google(404), cause.BucketMissing, cause.BucketMissing, "THE_URL"},
	} {
		b := open(t, tc.url())
		read := quick.Source(t.Context(), "source", b, func(context.Context, string) error { return nil })
		doctortest.Want(t, read, tc.read, "")
		doctortest.Want(t, quick.Output(t.Context(), "output", b)[0], tc.write, tc.change)
		doctortest.Want(t, quick.State(t.Context(), "state", b, "muleaudit"), tc.write, tc.change)
	}
}

// What is missing of several rights is named.
func TestRightsOnOSS(t *testing.T) {
	for action, code := range map[string]cause.Code{
		"": cause.BucketMissing, "oss:PutObject": cause.BucketNotWritable, "oss:DeleteObject": cause.BucketNotWritable,
		"oss:GetObject": cause.BucketNotReadable, "oss:ListObjects": cause.BucketNotReadable,
	} {
		s := oss.New(oss.Options{})
		t.Cleanup(s.Close)
		name, change, not := "there", action, "correct"
		s.AddBucket(name)
		s.Deny(action)
		if action == "" {
			name, change, not = "nowhere", "THE_URL", "SLS_AK_KEY"
		}
		b := open(t, "oss://"+name+"?region=cn-hangzhou&endpoint="+s.Start())
		doctortest.Want(t, quick.State(t.Context(), "state", b, "muleaudit"), code, change, not)
	}
}

// Keys that cannot be got are not a bucket that cannot be reached.
func TestNoCredentials(t *testing.T) {
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	// The container's own service of keys is there, and fails.
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/keys")
	b := open(t, "s3://b?region=us-east-1&endpoint="+refuse(t, 403, ""))
	doctortest.Want(t, quick.Output(t.Context(), "output", b)[0], cause.NoCredentials, "AWS_ACCESS_KEY_ID")
}
