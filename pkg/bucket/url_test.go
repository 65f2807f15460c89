package bucket_test

import (
	"strings"
	"testing"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

func TestCheckObjectStores(t *testing.T) {
	for _, ok := range []string{
		"s3://b", "s3://b?region=eu-west-1&prefix=p/", "s3://b?endpoint=https://minio.example:9000",
		"s3://b?endpoint=http://127.0.0.1:9000", "s3://b?endpoint=http://[::1]:9000", "s3://b?endpoint=http://localhost",
		"s3://b?endpoint=http://minio:9000&disable_https=true",
		"r2://b", "r2://b?account_id=0123abc&jurisdiction=eu&prefix=logs/", "r2://b?endpoint=http://127.0.0.1:1",
	} {
		if err := bucket.Check(ok); err != nil {
			t.Errorf("%s: %v", ok, err)
		}
	}
	const secret = "hushhush"
	for url, want := range map[string]string{
		"r2://":                               "names no bucket",
		"r2://b/folder":                       "?prefix=folder/",
		"r2://b?account=1":                    `parameter "account" is not understood`,
		"r2://b?secret_access_key=" + secret:  `parameter "secret_access_key" is not understood`,
		"s3://b?secret=" + secret:             `parameter "secret" is not understood`,
		"s3://key:" + secret + "@b":           "credentials do not belong",
		"r2://b?account_id=a.b":               "lower-case letters and digits",
		"r2://b?jurisdiction=eu/../x":         "lower-case letters and digits",
		"s3://b?endpoint=http://minio:9000":   "plain http to minio",
		"r2://b?endpoint=http://r2.example":   "plain http to r2.example",
		"s3://b?endpoint=minio":               "not a URL",
		"s3://b?endpoint=https://k:s@minio":   "credentials do not belong",
		"s3://b?endpoint=ftp://127.0.0.1":     "want https",
		"s3://%zz" + secret:                   "not a bucket URL",
		"abc://user" + secret + ":%zz@b?x=%z": "not a bucket URL",
	} {
		err := bucket.Check(url)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestOpenNeedsARegionOrAnAccount(t *testing.T) {
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CONFIG_FILE", "AWS_PROFILE"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", t.TempDir()+"/none")
	for url, want := range map[string]string{
		"s3://b":                           "add ?region=",
		"s3://b?region=x&ssetype=rot13":    "parameter ssetype",
		"s3://b?region=x&accelerate=maybe": "parameter accelerate",
		"r2://b":                           "add ?account_id=",
	} {
		if _, err := bucket.Open(t.Context(), url); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", url, err)
		}
	}
	for _, url := range []string{"s3://b?region=eu-west-1&ssetype=AES256", "s3://b?endpoint=http://127.0.0.1:1", "r2://b?account_id=a1"} {
		b, err := bucket.Open(t.Context(), url)
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestInsideObjectStores(t *testing.T) {
	for _, tc := range []struct {
		inner, outer string
		want         bool
	}{
		{"r2://b?prefix=state/", "r2://b", true},
		{"r2://b?account_id=a1", "r2://b?account_id=a2", false},
		{"r2://b?account_id=a1", "r2://b", true}, // the configuration's account may be a1
		{"r2://b?account_id=a1&jurisdiction=eu", "s3://b?endpoint=https://a1.r2.cloudflarestorage.com", true},
		{"r2://b", "s3://b", false},
		{"s3://b?region=x", "s3://b", true},
		{"s3://b?endpoint=https://minio", "s3://b", false},
		{"s3://b?endpoint=https://minio", "s3://b?endpoint=https://minio", true},
	} {
		if got, err := bucket.Inside(tc.inner, tc.outer); got != tc.want || err != nil {
			t.Errorf("Inside(%s, %s) = %v, %v", tc.inner, tc.outer, got, err)
		}
	}
}

func TestPartSize(t *testing.T) {
	for _, tc := range []struct {
		most int64
		want int
	}{{0, bucket.MinPart}, {20 << 30, bucket.MinPart}, {78 << 30, bucket.MinPart}, {79 << 30, 9 << 20}, {1 << 40, 105 << 20}, {5 << 40, 525 << 20}} {
		got := bucket.PartSize(tc.most)
		if got != tc.want || int64(got)*bucket.MaxParts < tc.most {
			t.Errorf("PartSize(%d) = %d, want %d", tc.most, got, tc.want)
		}
	}
}
