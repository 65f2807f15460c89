// Package doctor checks, before the first run and whenever something is odd,
// that a function can do its work where it is: one line a check, each with
// what to do about it.
package doctor

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"time"

	"gocloud.dev/blob"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/format"
	"github.com/siemfeed/siemfeed/pkg/version"
)

// Check is the outcome of one check.
type Check struct {
	Name   string
	Detail string // what was found
	// Problem is nil when all is well.
	Problem error
	Fix     string // what to do about the problem
}

// OK tells whether the check passed.
func (c Check) OK() bool { return c.Problem == nil }

// Passed returns a check that passed.
func Passed(name, format string, args ...any) Check {
	return Check{Name: name, Detail: fmt.Sprintf(format, args...)}
}

// Failed returns a check that failed.
func Failed(name string, problem error, fix string) Check {
	return Check{Name: name, Problem: problem, Fix: fix}
}

// Output checks that a bucket takes objects, and takes none twice: it creates
// a small object, tries to create it again, and removes it.
func Output(ctx context.Context, name string, b *bucket.Bucket) []Check {
	key := "siemfeed-doctor-" + rand.Text()[:12] + ".txt"
	if c := versioning(ctx, name, b); !c.OK() {
		return []Check{c}
	}
	probe := []byte("siemfeed doctor looks whether it may write here. This object can be removed.\n")
	opts := blob.WriterOptions{ContentType: "text/plain"}
	if _, err := b.Create(ctx, key, bytes.NewReader(probe), opts); err != nil {
		return []Check{Failed(name+" write", err, "let the function's identity create objects in "+b.URL+" (gs: roles/storage.objectUser on the bucket)")}
	}
	checks := []Check{Passed(name+" write", "%s", b.URL)}
	switch _, err := b.Create(ctx, key, bytes.NewReader(probe), opts); {
	case errors.Is(err, bucket.ErrExists):
		checks = append(checks, Passed(name+" create-only", "a second creation of an object is refused"))
	case err == nil:
		checks = append(checks, Failed(name+" create-only", errors.New("an existing object was created again"), "use a store with conditional writes (If-None-Match, or generation 0): events could be delivered twice here"))
	default:
		checks = append(checks, Failed(name+" create-only", err, "the store refuses conditional writes: use one that supports If-None-Match"))
	}
	if err := b.Remove(ctx, key); err != nil {
		checks = append(checks, Failed(name+" clean-up", err, "remove "+key+" by hand; the function itself deletes nothing here"))
	}
	return checks
}

// Folder is where [State] leaves an object for a moment, below the bucket's URL.
const Folder = "doctor"

// State checks that a bucket takes, gives back, lists and removes objects, and
// that what function keeps there is known to this release.
func State(ctx context.Context, name string, b *bucket.Bucket, function string) Check {
	key := Folder + "/" + rand.Text()[:12]
	var newer *format.NewerError
	if err := format.Check(ctx, b, function); errors.As(err, &newer) { // else what follows tells
		return Failed(name, err, newer.Fix())
	}
	if c := versioning(ctx, name, b); !c.OK() {
		return c
	}
	fix := "let the function's identity create, read, list and delete objects in " + b.URL + " (gs: roles/storage.objectUser on the bucket)"
	if err := b.CreateJSON(ctx, key, key); err != nil {
		return Failed(name, err, fix)
	}
	if err := b.CreateJSON(ctx, key, "another"); err == nil {
		return Failed(name, errors.Join(errors.New("an existing object was created again"), b.Remove(ctx, key)), "use a store with create-only writes: two runs could hold one lease here")
	} else if !errors.Is(err, bucket.ErrExists) {
		return Failed(name, errors.Join(err, b.Remove(ctx, key)), fix)
	}
	var got string
	if err := b.ReadJSON(ctx, key, &got); err != nil {
		return Failed(name, err, fix)
	}
	keys, err := b.Keys(ctx, key)
	if err == nil && len(keys) != 1 {
		err = fmt.Errorf("an object just written is listed %d times", len(keys))
	}
	if err = errors.Join(err, b.Remove(ctx, key)); err != nil {
		return Failed(name, err, fix)
	}
	if errors.Is(b.CreateOnly(ctx), bucket.ErrMayNotAsk) {
		return Passed(name, "%s; a second creation is refused, as it has to be, but the versioning of the bucket may not be asked: grant oss:GetBucketVersioning, so that each start can look", b.URL)
	}
	return Passed(name, "%s", b.URL)
}

// versioning checks that the bucket is none in which create-only writes have no
// effect. Where that may not be asked, trying tells.
func versioning(ctx context.Context, name string, b *bucket.Bucket) Check {
	name += " versioning"
	var versioned *bucket.VersionedError
	if err := b.CreateOnly(ctx); errors.As(err, &versioned) {
		return Failed(name, err, "use a bucket in which versioning was never enabled: it cannot be taken back")
	}
	return Passed(name, "does not get in the way")
}

// maxSkew is how wrong a clock may be before signatures and windows suffer.
const maxSkew = time.Minute

// Clock compares this machine's clock with the Date header that url answers.
func Clock(ctx context.Context, client *http.Client, url string) Check {
	const name = "clock"
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, url, nil)
	if err != nil {
		return Failed(name, err, "correct the URL")
	}
	req.Header.Set("User-Agent", version.UserAgent())
	asked := time.Now()
	resp, err := client.Do(req)
	if err != nil {
		return Failed(name, err, "let this machine reach "+url)
	}
	defer func() { _ = resp.Body.Close() }()
	there, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return Passed(name, "%s does not tell its time", url)
	}
	// The server's clock is in seconds, and read at some moment in between.
	now := time.Now()
	skew := max(there.Sub(now), asked.Add(-time.Second).Sub(there), 0)
	if skew > maxSkew {
		return Failed(name, fmt.Errorf("%v away from %s", skew.Round(time.Second), url), "set the clock (NTP): windows would end too early or too late")
	}
	return Passed(name, "agrees with %s", url)
}
