package bucket_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"gocloud.dev/blob"

	"github.com/siemfeed/siemfeed/pkg/alibaba"
	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/bucket/buckettest"
	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
	"github.com/siemfeed/siemfeed/pkg/emulator/oss"
)

var ossKeys = bucket.WithOSS(alibaba.Static("ak", "secret", ""))

// ossBucket starts an account with a bucket "state" and opens it.
func ossBucket(t *testing.T, params string) (*bucket.Bucket, *oss.Server, *oss.Bucket) {
	t.Helper()
	s := oss.New(oss.Options{})
	t.Cleanup(s.Close)
	store := s.AddBucket("state")
	b, err := bucket.Open(t.Context(), "oss://state?region=cn-hangzhou&endpoint="+s.Start()+params, ossKeys)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b, s, store
}

func TestSuiteOSS(t *testing.T) {
	t.Parallel()
	var store *oss.Bucket
	k := buckettest.Kind{
		Part: 128 << 10, Parts: 300_000,
		Open:       func(t *testing.T) (b *bucket.Bucket) { b, _, store = ossBucket(t, "&prefix=folder"); return b },
		Unfinished: func(*testing.T) int { return store.Unfinished() },
	}
	plain := k
	t.Run("plain", func(t *testing.T) { t.Parallel(); buckettest.Run(t, plain) })
	k.Unfinished = nil // an upload whose beginning is not answered stays behind
	k.Open = func(t *testing.T) *bucket.Bucket {
		b, s, _ := ossBucket(t, "")
		s.Faults.Match = func(r *http.Request) bool { return !lostCreation(r) }
		s.Faults.Random(11, map[fault.Kind]float64{fault.Error500: 0.02, fault.Error503: 0.02, fault.ResetBefore: 0.02, fault.ResetAfter: 0.02})
		return b
	}
	t.Run("faults", func(t *testing.T) { t.Parallel(); buckettest.Run(t, k) })
}

// lostCreation tells a create-only PUT, whose second try cannot know the first.
func lostCreation(r *http.Request) bool {
	return r.Method == http.MethodPut && r.Header.Get("x-oss-forbid-overwrite") != ""
}

func TestOneOfManyCreatorsOnOSS(t *testing.T) {
	b, s, _ := ossBucket(t, "")
	s.Faults.Random(3, map[fault.Kind]float64{fault.Error500: 0.05, fault.ResetBefore: 0.05})
	for round := range 6 {
		var won atomic.Int32
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				_, err := b.Create(t.Context(), fmt.Sprint(round), strings.NewReader(fmt.Sprint(i)), blob.WriterOptions{})
				if err == nil {
					won.Add(1)
				} else if !errors.Is(err, bucket.ErrExists) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Errorf("round %d: %d creators", round, won.Load())
		}
	}
}

// The answers to create-only PUTs get lost: one of the creators of JSON has it
// all the same, and knows.
func TestCreateJSONKnowsItsOwnOnOSS(t *testing.T) {
	b, s, _ := ossBucket(t, "")
	s.Faults.Random(5, map[fault.Kind]float64{fault.ResetAfter: 0.3})
	for round := range 4 {
		var won atomic.Int32
		var wg sync.WaitGroup
		for i := range 6 {
			wg.Go(func() {
				switch err := b.CreateJSON(t.Context(), fmt.Sprint(round), i); {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, bucket.ErrExists):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Errorf("round %d: %d creators", round, won.Load())
		}
	}
}

func TestVersionedOSSIsRefused(t *testing.T) {
	for _, mayAsk := range []bool{true, false} {
		b, s, store := ossBucket(t, "")
		store.SetVersioning("Suspended")
		if !mayAsk {
			s.Deny("oss:GetBucketVersioning")
		}
		var versioned *bucket.VersionedError
		if err := b.CreateOnly(t.Context()); mayAsk && !errors.As(err, &versioned) || !mayAsk && !errors.Is(err, bucket.ErrMayNotAsk) {
			t.Errorf("may ask %v: %v", mayAsk, err)
		}
		for range 2 {
			err := b.CreateJSON(t.Context(), "k", 1)
			if !errors.As(err, &versioned) || errors.Is(err, bucket.ErrExists) || !strings.Contains(err.Error(), "use a bucket that never had it") {
				t.Errorf("may ask %v: created with %v", mayAsk, err)
			}
		}
	}
	if err := open(t, "mem://").CreateOnly(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestOSSHints(t *testing.T) {
	b, s, store := ossBucket(t, "")
	for _, key := range []string{"k", "other"} {
		if err := b.PutJSON(t.Context(), key, 1); err != nil {
			t.Fatal(err)
		}
	}
	store.Archive("k")
	if _, err := b.ReadAll(t.Context(), "k"); !bucket.IsObjectRefused(err) || !strings.Contains(err.Error(), "archived: restore it") {
		t.Errorf("archived: %v", err)
	}
	s.Deny("oss:GetObject")
	var refused *bucket.RefusedError
	if _, err := b.ReadAll(t.Context(), "other"); !errors.As(err, &refused) || bucket.IsObjectRefused(err) || bucket.IsNotFound(err) || !strings.Contains(refused.Hint, "grant oss:GetObject") {
		t.Errorf("denied: %v", err)
	}
	none, err := bucket.Open(t.Context(), strings.Replace(b.URL, "//state", "//none", 1), ossKeys)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = none.Close() }()
	if _, err := none.Attributes(t.Context(), "k"); !errors.As(err, &refused) || refused.Code != "NoSuchBucket" || bucket.IsNotFound(err) {
		t.Errorf("no bucket: %v", err)
	}
	wrong, err := bucket.Open(t.Context(), b.URL, bucket.WithOSS(alibaba.Static("ak", "hushhush", "")))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = wrong.Close() }()
	if err := wrong.PutJSON(t.Context(), "k", 1); !errors.As(err, &refused) || !strings.Contains(refused.Hint, "SLS_AK_KEY") || strings.Contains(err.Error(), "hushhush") {
		t.Errorf("wrong keys: %v", err)
	}
}

func TestCheckOSS(t *testing.T) {
	for _, ok := range []string{"oss://logs?region=cn-hangzhou", "oss://logs?region=us-east-1&internal=true&prefix=p", "oss://logs?region=x&endpoint=http://127.0.0.1:1", "oss://logs?region=x&endpoint=https://oss.example"} {
		if err := bucket.Check(ok); err != nil {
			t.Errorf("%s: %v", ok, err)
		}
	}
	for url, want := range map[string]string{
		"oss://logs": "add ?region=", "oss://Logs?region=x": "no bucket of OSS", "oss://a?region=x": "3 to 63",
		"oss://logs?region=oss_cn": "a region's id", "oss://logs?region=cn-hangzhou.aliyuncs.com": "a region's id",
		"oss://logs?region=x&internal=maybe": "true or false", "oss://logs?region=x&internal=true&endpoint=https://a.example": "keep one",
		"oss://logs?region=x&endpoint=http://oss.example": "plain http to oss.example", "oss://logs?region=x&secret=hushhush": "not understood",
		"oss://ak:hushhush@logs?region=x": "credentials do not belong", "oss://logs/folder?region=x": "prefix=folder/",
	} {
		if err := bucket.Check(url); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hushhush") {
			t.Errorf("%s: %v, want %q", url, err, want)
		}
	}
	if _, err := bucket.Open(t.Context(), "oss://logs?region=x"); err == nil || !strings.Contains(err.Error(), "SLS_AK_ID") {
		t.Errorf("without credentials: %v", err)
	}
}

// Whatever endpoint leads to it, a bucket's name is one bucket.
func TestInsideOSS(t *testing.T) {
	for _, tc := range []struct {
		inner, outer string
		want         bool
	}{
		{"oss://logs?region=a&prefix=state", "oss://logs?region=a", true},
		{"oss://logs?region=a&internal=true&prefix=state", "oss://logs?region=a", true},
		{"oss://logs?region=a&endpoint=http://10.0.0.1&prefix=state", "oss://logs?region=a&internal=true", true},
		{"oss://logs?region=a&prefix=state", "s3://logs?endpoint=https://oss-a.aliyuncs.com", true},
		{"oss://logs?region=a&prefix=state", "oss://logs?region=a&prefix=out", false},
		{"oss://logs?region=a", "oss://other?region=a", false},
		{"oss://logs?region=a", "gs://logs", false},
	} {
		if got, err := bucket.Inside(tc.inner, tc.outer); got != tc.want || err != nil {
			t.Errorf("Inside(%s, %s) = %v, %v", tc.inner, tc.outer, got, err)
		}
	}
}
