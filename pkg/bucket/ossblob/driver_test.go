package ossblob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss/credentials"
	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/siemfeed/siemfeed/pkg/bucket/ossblob"
	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
	"github.com/siemfeed/siemfeed/pkg/emulator/oss"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

// parts is enough for three parts of the smallest size.
const part, parts = 128 << 10, 300 << 10

func write(b *blob.Bucket, key, text string, opts blob.WriterOptions) error {
	opts.ContentType, opts.BufferSize = "text/plain", part
	return b.Upload(context.Background(), key, strings.NewReader(text), &opts)
}

func text(seed string, size int) string { return strings.Repeat(seed, size/len(seed)+1)[:size] }

func TestBucketThatIsNotThere(t *testing.T) {
	_, _, url := serve(t, oss.Options{})
	d, err := ossblob.New("nowhere", options(url))
	if err != nil {
		t.Fatal(err)
	}
	b := blob.NewBucket(d)
	defer func() { _ = b.Close() }()
	for what, err := range map[string]error{
		"attributes": func() error { _, err := b.Attributes(t.Context(), "k"); return err }(),
		"read":       func() error { _, err := b.ReadAll(t.Context(), "k"); return err }(),
		"write":      write(b, "k", "x", blob.WriterOptions{}),
		"create":     write(b, "k", "x", blob.WriterOptions{IfNotExist: true}),
		"delete":     b.Delete(t.Context(), "k"),
	} {
		if err == nil || gcerrors.Code(err) == gcerrors.NotFound || !strings.Contains(err.Error(), "NoSuchBucket") {
			t.Errorf("%s: %v", what, err)
		}
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("%s is told in several lines: %v", what, err)
		}
	}
}

// Explain hears of each refusal of the service, and of nothing else.
func TestExplain(t *testing.T) {
	s, _, url := serve(t, oss.Options{})
	o := options(url)
	o.Explain = func(code string, err error) error { return fmt.Errorf("explained %s: %w", code, err) }
	b, _ := open(t, o)
	if _, err := b.ReadAll(t.Context(), "k"); gcerrors.Code(err) != gcerrors.NotFound || !strings.Contains(err.Error(), "explained NoSuchKey") {
		t.Error(err)
	}
	s.Deny("oss:PutObject")
	if err := write(b, "k", "x", blob.WriterOptions{}); gcerrors.Code(err) != gcerrors.PermissionDenied || !strings.Contains(err.Error(), "explained AccessDenied") {
		t.Error(err)
	}
}

func TestArchivedObject(t *testing.T) {
	_, bucket, url := serve(t, oss.Options{})
	b, _ := open(t, options(url))
	if err := write(b, "k", "x", blob.WriterOptions{}); err != nil {
		t.Fatal(err)
	}
	bucket.Archive("k")
	if _, err := b.Attributes(t.Context(), "k"); err != nil {
		t.Error(err)
	}
	if _, err := b.ReadAll(t.Context(), "k"); gcerrors.Code(err) != gcerrors.PermissionDenied || !strings.Contains(err.Error(), "InvalidObjectState") {
		t.Error(err)
	}
}

// What is stored is read as it is, although Go's client unpacks and the service
// packs, if they are let.
func TestReadAsStored(t *testing.T) {
	_, _, url := serve(t, oss.Options{})
	b, _ := open(t, options(url))
	want := text("log ", 5000)
	for _, opts := range []blob.WriterOptions{{ContentType: "text/plain"}, {ContentType: "text/plain", ContentEncoding: "gzip"}} {
		if err := b.WriteAll(t.Context(), "k", []byte(want), &opts); err != nil {
			t.Fatal(err)
		}
		r, err := b.NewReader(t.Context(), "k", nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil || string(got) != want || r.Size() != int64(len(want)) {
			t.Errorf("%d of %d bytes, %v", len(got), r.Size(), err)
		}
		_ = r.Close()
	}
}

// A range that begins within the object is cut at its end, as the standard
// says and OSS does on request only.
func TestRangeBeyondTheEnd(t *testing.T) {
	_, _, url := serve(t, oss.Options{})
	b, _ := open(t, options(url))
	if err := write(b, "k", "0123456789", blob.WriterOptions{}); err != nil {
		t.Fatal(err)
	}
	r, err := b.NewRangeReader(t.Context(), "k", 7, 100, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if got, err := io.ReadAll(r); string(got) != "789" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := b.NewRangeReader(t.Context(), "k", 10, 1, nil); err == nil {
		t.Error("a range after the end is answered")
	}
}

// Credentials are asked for once a request, and their errors are not retried:
// who brings them has done that.
func TestCredentialsThatFail(t *testing.T) {
	_, _, url := serve(t, oss.Options{})
	o, asked := options(url), 0
	o.Credentials = credentials.CredentialsProviderFunc(func(context.Context) (credentials.Credentials, error) {
		asked++
		return credentials.Credentials{}, errors.New("no role here")
	})
	b, _ := open(t, o)
	if _, err := b.ReadAll(t.Context(), "k"); err == nil || !strings.Contains(err.Error(), "no role here") || asked != 1 {
		t.Errorf("asked %d times: %v", asked, err)
	}
}

func TestTransportIsWrapped(t *testing.T) {
	_, _, url := serve(t, oss.Options{})
	o, n := options(url), atomic.Int32{}
	o.Transport = func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) { n.Add(1); return next.RoundTrip(r) })
	}
	b, _ := open(t, o)
	if err := write(b, "k", text("x", parts), blob.WriterOptions{}); err != nil {
		t.Fatal(err)
	}
	if n.Load() != 5 {
		t.Errorf("%d requests went through, want a beginning, three parts and an end", n.Load())
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestSession(t *testing.T) {
	_, _, url := serve(t, oss.Options{SecurityToken: "session"})
	o := options(url)
	o.Credentials = credentials.NewStaticCredentialsProvider("ak", "secret", "session")
	b, _ := open(t, o)
	if err := write(b, "ü +/k", "x", blob.WriterOptions{Metadata: map[string]string{"is": "ü"}}); err != nil {
		t.Error(err)
	}
	for name, keys := range map[string]credentials.CredentialsProvider{
		"InvalidSecurityToken":  credentials.NewStaticCredentialsProvider("ak", "secret", "another"),
		"SignatureDoesNotMatch": credentials.NewStaticCredentialsProvider("ak", "sekret", "session"),
		"InvalidAccessKeyId":    credentials.NewStaticCredentialsProvider("bk", "secret", "session"),
	} {
		o.Credentials = keys
		b, _ := open(t, o)
		_, err := b.ReadAll(t.Context(), "k")
		if gcerrors.Code(err) != gcerrors.PermissionDenied || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "sekret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestClockThatIsOff(t *testing.T) {
	_, _, url := serve(t, oss.Options{Now: func() time.Time { return time.Now().Add(16 * time.Minute) }})
	b, _ := open(t, options(url))
	if _, err := b.ReadAll(t.Context(), "k"); err == nil || !strings.Contains(err.Error(), "RequestTimeTooSkewed") {
		t.Error(err)
	}
}

// A transient failure is retried, a bounded number of times, and its
// Retry-After heeded; a refusal is not.
func TestRetries(t *testing.T) {
	for _, kind := range []fault.Kind{fault.Error500, fault.Error503, fault.Error429, fault.ResetBefore, fault.ResetAfter, fault.ResetMid} {
		s, _, url := serve(t, oss.Options{})
		b, _ := open(t, options(url))
		for range 3 {
			s.Faults.Next(kind, nil)
		}
		if err := write(b, "k", "x", blob.WriterOptions{}); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		if it := b.List(nil); true {
			s.Faults.Next(kind, nil)
			if _, err := it.Next(t.Context()); err != nil {
				t.Errorf("%s, list: %v", kind, err)
			}
		}
		for range quick.Attempts {
			s.Faults.Next(kind, nil)
		}
		if err := write(b, "k", "x", blob.WriterOptions{}); err == nil || retry.IsPermanent(err) {
			t.Errorf("%s for ever: %v", kind, err)
		}
	}
	s, _, url := serve(t, oss.Options{})
	b, _ := open(t, options(url))
	s.Faults.Next(fault.Error403, nil)
	if err := write(b, "k", "x", blob.WriterOptions{}); err == nil || retry.IsPermanent(err) {
		t.Errorf("refused: %v", err)
	}
}

func TestRetryAfterIsHeeded(t *testing.T) {
	s, _, url := serve(t, oss.Options{})
	s.Faults.Answer = func(w http.ResponseWriter, _ *http.Request, status int) {
		w.Header().Set("Retry-After", "86400")
		w.WriteHeader(status)
	}
	b, _ := open(t, options(url))
	s.Faults.Next(fault.Error503, nil)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	began := time.Now()
	_, err := b.ReadAll(ctx, "k")
	if err == nil || !strings.Contains(err.Error(), "HTTP 503") || time.Since(began) > 30*time.Second || s.Requests("GetObject") > 0 {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
}

// The answer to the end of an upload is lost: whether the service then knows
// the upload no more, or looks at the object first, it is known whose it is.
func TestLostAnswerToACompletion(t *testing.T) {
	completion := func(r *http.Request) bool { return r.Method == http.MethodPost && r.URL.Query().Has("uploadId") }
	want := text("abc", parts)
	for _, existsFirst := range []bool{false, true} {
		for _, kind := range []fault.Kind{fault.ResetAfter, fault.ResetMid, fault.Truncate} {
			for _, create := range []bool{false, true} {
				name := fmt.Sprintf("exists first %v, %s, create %v", existsFirst, kind, create)
				s, bucket, url := serve(t, oss.Options{ExistsFirst: existsFirst})
				b, _ := open(t, options(url))
				s.Faults.Next(kind, completion)
				err := write(b, "k", want, blob.WriterOptions{IfNotExist: create})
				switch {
				case existsFirst && create && gcerrors.Code(err) == gcerrors.FailedPrecondition:
					// "exists" is the truth, too: whose it is the caller finds out.
				case err != nil:
					t.Errorf("%s: %v", name, err)
				}
				if got, err := b.ReadAll(t.Context(), "k"); err != nil || string(got) != want {
					t.Errorf("%s: %d bytes, %v", name, len(got), err)
				}
				if n := bucket.Unfinished(); n > 0 {
					t.Errorf("%s: %d uploads left", name, n)
				}
			}
		}
	}
}

// Someone else's object is not taken for ours when our upload is gone.
func TestLostUploadIsNotTakenForWritten(t *testing.T) {
	s, bucket, url := serve(t, oss.Options{})
	b, _ := open(t, options(url))
	if err := write(b, "k", text("other", parts), blob.WriterOptions{}); err != nil {
		t.Fatal(err)
	}
	completion := func(r *http.Request) bool { return r.Method == http.MethodPost && r.URL.Query().Has("uploadId") }
	o := options(url)
	o.Transport = func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			defer func() {
				if completion(r) {
					bucket.DropUploads() // as a lifecycle rule does
				}
			}()
			return next.RoundTrip(r)
		})
	}
	b, _ = open(t, o)
	s.Faults.Next(fault.Error500, completion)
	if err := write(b, "k", text("mine", parts), blob.WriterOptions{}); err == nil || !strings.Contains(err.Error(), "another object") {
		t.Errorf("an upload that was dropped: %v", err)
	}
}

func TestOneOfManyCreators(t *testing.T) {
	s, _, url := serve(t, oss.Options{})
	s.Faults.Random(7, map[fault.Kind]float64{fault.Error500: 0.05, fault.ResetBefore: 0.05})
	for _, size := range []int{10, parts} {
		for round := range 5 {
			key := fmt.Sprint(size, "/", round)
			var won atomic.Int32
			var wg sync.WaitGroup
			for i := range 12 {
				b, _ := open(t, options(url)) // each has a client of its own
				wg.Go(func() {
					switch err := write(b, key, text(fmt.Sprint(i), size), blob.WriterOptions{IfNotExist: true}); {
					case err == nil:
						won.Add(1)
					case gcerrors.Code(err) != gcerrors.FailedPrecondition:
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if won.Load() != 1 {
				t.Errorf("%d creators of %s", won.Load(), key)
			}
		}
	}
}

func TestVersionedBucketIsRefused(t *testing.T) {
	for _, status := range []string{"Enabled", "Suspended"} {
		for _, mayAsk := range []bool{true, false} {
			for _, size := range []int{10, parts} {
				name := fmt.Sprint(status, ", may ask ", mayAsk, ", ", size)
				s, bucket, url := serve(t, oss.Options{})
				bucket.SetVersioning(status)
				if !mayAsk {
					s.Deny("oss:GetBucketVersioning")
				}
				b, d := open(t, options(url))
				err := d.CreateOnly(t.Context())
				var versioned *ossblob.VersionedError
				if mayAsk && (!errors.As(err, &versioned) || versioned.Status != status) || !mayAsk && !errors.Is(err, ossblob.ErrMayNotAsk) {
					t.Errorf("%s: %v", name, err)
				}
				err = write(b, "k", text("x", size), blob.WriterOptions{IfNotExist: true})
				if !errors.As(err, &versioned) || gcerrors.Code(err) != gcerrors.Unimplemented {
					t.Errorf("%s: create-only write: %v", name, err)
				}
				if mayAsk && len(bucket.Keys()) > 0 || bucket.Unfinished() > 0 {
					t.Errorf("%s: something was written", name)
				}
				if err := write(b, "k", text("x", size), blob.WriterOptions{}); err != nil {
					t.Errorf("%s: plain write: %v", name, err)
				}
			}
		}
	}
}

func TestVersioningIsAskedOnce(t *testing.T) {
	s, _, url := serve(t, oss.Options{})
	b, d := open(t, options(url))
	for i := range 3 {
		if err := d.CreateOnly(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := write(b, fmt.Sprint(i), "x", blob.WriterOptions{IfNotExist: true}); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.Requests("GetBucketVersioning"); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func TestWriterThatFailedDoesNotWriteTheRest(t *testing.T) {
	s, bucket, url := serve(t, oss.Options{})
	b, _ := open(t, options(url))
	s.Deny("oss:PutObject")
	w, err := b.NewWriter(t.Context(), "k", &blob.WriterOptions{ContentType: "text/plain", BufferSize: part})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(bytes.Repeat([]byte("x"), parts)); err == nil {
		t.Error("the upload began")
	}
	if err := w.Close(); err == nil {
		t.Error("closed as if written")
	}
	if s.Requests("PutObject") > 0 || len(bucket.Keys()) > 0 {
		t.Error("what was left in the buffer was written as the object")
	}
}

func TestNewNeedsARegionAndKeys(t *testing.T) {
	if _, err := ossblob.New("logs", ossblob.Options{Credentials: credentials.NewAnonymousCredentialsProvider()}); err == nil {
		t.Error("opened without a region")
	}
	if _, err := ossblob.New("logs", ossblob.Options{Region: "cn-hangzhou"}); err == nil {
		t.Error("opened without credentials")
	}
}
