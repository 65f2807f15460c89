package doctor

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"gocloud.dev/blob"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/cause"
	"github.com/siemfeed/siemfeed/pkg/format"
)

// Bucket is a bucket, and the variable that names it.
type Bucket struct {
	*bucket.Bucket
	Variable string
}

// keys are what opens buckets, by scheme.
var keys = map[string]string{
	"gs":  "the function's service account (GOOGLE_APPLICATION_CREDENTIALS elsewhere)",
	"s3":  "the role, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
	"r2":  "R2_ACCESS_KEY_ID and R2_SECRET_ACCESS_KEY",
	"oss": "SLS_AK_ID and SLS_AK_KEY, or the role",
}

// rights are what has to be granted to read and list, and to write, by scheme.
var rights = map[string]struct{ read, write string }{
	"gs":   {"roles/storage.objectViewer on the bucket", "roles/storage.objectUser on the bucket"},
	"s3":   {"s3:ListBucket on the bucket, and s3:GetObject on its objects", "s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload on the bucket's objects"},
	"r2":   {"Object Read on the bucket", "Object Read & Write on the bucket"},
	"oss":  {"oss:ListObjects on the bucket, and oss:GetObject on its objects", "oss:PutObject, oss:DeleteObject and oss:AbortMultipartUpload on the bucket's objects"},
	"file": {"reading the directory and its files to the user that runs this", "writing in the directory to the user that runs this"},
}

func (b Bucket) subject(grant func(scheme string) string) Subject {
	scheme, _, _ := strings.Cut(b.URL, "://")
	return Subject{Asked: b.URL, Where: b.Variable, Credentials: keys[scheme], Grant: grant(scheme)}
}

// read judges why something cannot be read or listed.
func (b Bucket) read(name string, err error) Check {
	return b.subject(func(scheme string) string { return rights[scheme].read }).
		Failed(name, inBucket(err, cause.BucketNotReadable))
}

// write judges why something cannot be created or removed.
func (b Bucket) write(name string, err error) Check {
	return b.subject(func(scheme string) string { return rights[scheme].write }).
		Failed(name, inBucket(err, cause.BucketNotWritable))
}

// inBucket says of what is denied what it is. What is not found is the bucket,
// since nothing is asked for that was not seen there just before.
func inBucket(err error, denied cause.Code) error {
	switch cause.Of(err) {
	case cause.PermissionDenied:
		return cause.Mark(denied, err)
	case cause.NotFound:
		return cause.Mark(cause.BucketMissing, err)
	}
	return err
}

var errTwice = errors.New("an existing object was created again")

// Output checks that a bucket takes objects, and takes none twice: it creates
// a small object, tries to create it again, and removes it.
func (x Examiner) Output(ctx context.Context, name string, b Bucket) []Check {
	ctx, cancel := x.limit(ctx)
	defer cancel()
	key := "siemfeed-doctor-" + rand.Text()[:12] + ".txt"
	if c := versioning(ctx, name, b); !c.OK() {
		return []Check{c}
	}
	probe := []byte("siemfeed doctor looks whether it may write here. This object can be removed.\n")
	opts := blob.WriterOptions{ContentType: "text/plain"}
	if _, err := b.Create(ctx, key, bytes.NewReader(probe), opts); err != nil {
		return []Check{b.write(name+" write", err)}
	}
	checks := []Check{Passed(name+" write", "%s", b.URL)}
	switch _, err := b.Create(ctx, key, bytes.NewReader(probe), opts); {
	case errors.Is(err, bucket.ErrExists):
		checks = append(checks, Passed(name+" create-only", "a second creation of an object is refused"))
	case err == nil:
		checks = append(checks, b.write(name+" create-only", cause.Mark(cause.BucketUnsuitable, errTwice)))
	default:
		checks = append(checks, b.write(name+" create-only", err))
	}
	if err := b.Remove(ctx, key); err != nil {
		c := b.write(name+" clean-up", err)
		c.Fix = "remove " + key + " by hand; the function itself deletes nothing here"
		checks = append(checks, c)
	}
	return checks
}

// Kept checks the buckets in which function keeps its state and what it rejects,
// see [Examiner.State].
func (x Examiner) Kept(ctx context.Context, state, rejected *bucket.Bucket, function string) []Check {
	return []Check{
		x.State(ctx, "state", Bucket{state, "STATE_URL"}, function),
		x.State(ctx, "quarantine", Bucket{rejected, "QUARANTINE_URL"}, function),
	}
}

// Folder is where [Examiner.State] leaves an object for a moment, below the bucket's URL.
const Folder = "doctor"

// State checks that a bucket takes, gives back, lists and removes objects, and
// that what function keeps there is known to this release.
func (x Examiner) State(ctx context.Context, name string, b Bucket, function string) Check {
	ctx, cancel := x.limit(ctx)
	defer cancel()
	var newer *format.NewerError
	if err := format.Check(ctx, b.Bucket, function); errors.As(err, &newer) { // else what follows tells
		return Failed(name, cause.NewerState, err, newer.Fix())
	}
	key := Folder + "/" + rand.Text()[:12]
	if c := versioning(ctx, name, b); !c.OK() {
		return c
	}
	if err := b.CreateJSON(ctx, key, key); err != nil {
		return b.write(name, err)
	}
	// What is found out from here on must not leave the object behind.
	if c := b.second(ctx, name, key); !c.OK() {
		c.Problem = errors.Join(c.Problem, b.Remove(ctx, key))
		return c
	}
	if err := b.Remove(ctx, key); err != nil {
		return b.write(name, err)
	}
	if errors.Is(b.CreateOnly(ctx), bucket.ErrMayNotAsk) {
		return Passed(name, "%s; a second creation is refused, as it has to be, but the versioning of the bucket may not be asked: grant oss:GetBucketVersioning, so that each start can look", b.URL)
	}
	return Passed(name, "%s", b.URL)
}

// second checks an object that was just created: it cannot be created again, is
// given back, and is listed.
func (b Bucket) second(ctx context.Context, name, key string) Check {
	if err := b.CreateJSON(ctx, key, "another"); err == nil {
		return b.write(name, cause.Mark(cause.BucketUnsuitable, fmt.Errorf("%w: two runs could hold one lease here", errTwice)))
	} else if !errors.Is(err, bucket.ErrExists) {
		return b.write(name, err)
	}
	var got string
	if err := b.ReadJSON(ctx, key, &got); err != nil {
		return b.read(name, err)
	}
	listed, err := b.Keys(ctx, key)
	if err != nil {
		return b.read(name, err)
	}
	if len(listed) != 1 {
		return b.read(name, cause.Mark(cause.BucketUnsuitable, fmt.Errorf("an object just written is listed %d times", len(listed))))
	}
	return Passed(name, "%s", b.URL)
}

// Source checks that a bucket can be listed, and that read can read the object
// that it lists first.
func (x Examiner) Source(ctx context.Context, name string, b Bucket, read func(ctx context.Context, key string) error) Check {
	ctx, cancel := x.limit(ctx)
	defer cancel()
	if err := b.Reachable(ctx); err != nil {
		return b.read(name, err)
	}
	for o, err := range b.Objects(ctx, "") {
		if err == nil {
			err = read(ctx, o.Key)
		}
		if err != nil {
			return b.read(name, err)
		}
		return Passed(name, "%s, where one object was read", b.URL)
	}
	return Passed(name, "%s is empty", b.URL)
}

// versioning checks that the bucket is none in which create-only writes have no
// effect. Where that may not be asked, trying tells.
func versioning(ctx context.Context, name string, b Bucket) Check {
	name += " versioning"
	var versioned *bucket.VersionedError
	if err := b.CreateOnly(ctx); errors.As(err, &versioned) {
		return b.write(name, err)
	}
	return Passed(name, "does not get in the way")
}
