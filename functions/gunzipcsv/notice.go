package gunzipcsv

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/objcsv"
	"github.com/siemfeed/siemfeed/pkg/progress"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// Codes of what is rejected as a whole, beside those of package objcsv.
const (
	CodeMessage   = "unreadable_message" // not a notice about an object
	CodeBucket    = "wrong_bucket"       // about an object of another bucket
	CodeGone      = "object_gone"        // deleted before it could be read
	CodeCollision = "target_collision"   // the target belongs to another source
	CodeRefused   = "object_refused"     // the store does not give it out, for a reason of the object's own
	CodeName      = "target_name"        // the destination can have no object of the target's name
)

// fault is what rejects a notice for good.
type fault struct {
	code, reason string
}

func (e *fault) Error() string { return e.reason }

func reject(code, format string, args ...any) error {
	return retry.Permanent(&fault{code, fmt.Sprintf(format, args...)})
}

// codeOf returns the code of a permanent error of a conversion.
func codeOf(err error) string {
	var f *fault
	if errors.As(err, &f) {
		return f.code
	}
	return string(objcsv.CodeOf(err))
}

// settle does what a notice asks for, enters it in the receipt and returns what
// became of it. The error
// is nil once the notice is done with for good: converted, filtered, or durable
// in quarantine. Otherwise it has to be delivered again. again converts an
// object also when it was converted before.
func (f *Function) settle(ctx context.Context, r *run, n trigger.Notice, again bool) (Object, error) {
	began := time.Now()
	policy := retry.Policy{
		Attempts: 3, Base: 250 * time.Millisecond, Max: 2 * time.Second,
		Notify: func(_ int, _ time.Duration, err error) {
			f.rt.Log.WarnContext(ctx, "trying again", "key", n.Key, "error", err.Error())
		},
	}
	var o Object
	err := policy.Do(ctx, func(ctx context.Context) error {
		last, err := f.handle(ctx, r, n, again)
		if err == nil && last.Status == Unchanged && o.Status == Converted {
			return nil // by the attempt before, which failed only after that
		}
		o = last
		return err
	})
	if retry.IsPermanent(err) {
		o.Status, o.Code, o.Error = Quarantined, codeOf(err), err.Error()
		err = policy.Do(ctx, func(ctx context.Context) (err error) {
			o.Quarantine, err = f.quarantine(ctx, n, o)
			return err
		})
	}
	if err != nil {
		o = Object{Key: n.Key, Target: o.Target, Status: Returned, Code: o.Code, Error: err.Error()}
	}
	r.add(o, time.Since(began))
	progress.Bytes(ctx, o.BytesIn)
	return o, err
}

// handle is one attempt at a notice. A permanent error is the notice's or the
// object's own, for quarantine.
func (f *Function) handle(ctx context.Context, r *run, n trigger.Notice, again bool) (Object, error) {
	o := Object{Key: n.Key, Status: Filtered}
	if n.Err != nil {
		return o, reject(CodeMessage, "%s", n.Err)
	}
	if !n.Created { // a deletion, or a store's test
		return o, nil
	}
	if f.cfg.SourceBucket != "" && n.Bucket != f.cfg.SourceBucket {
		return o, reject(CodeBucket, "the notice is about bucket %q, and SOURCE_URL is bucket %q: send it to the function of that bucket", n.Bucket, f.cfg.SourceBucket)
	}
	key, ok := strings.CutPrefix(n.Key, f.prefix)
	if !ok {
		return o, nil
	}
	if key == "" || strings.HasSuffix(key, "/") { // a folder's placeholder
		o.Status = Skipped
		return o, nil
	}
	o, err := f.convert(ctx, r, key, again)
	var name *bucket.NameError
	switch {
	case bucket.IsObjectRefused(err):
		err = reject(CodeRefused, "%v", err)
	case errors.As(err, &name):
		err = reject(CodeName, "%v: rename the source", err)
	}
	return o, err
}

// source is the position of what was rejected, in quarantine.
type source struct {
	Bucket string `json:"bucket,omitempty"`
	Key    string `json:"key,omitempty"`
	ETag   string `json:"etag,omitempty"`
	Size   int64  `json:"size,omitempty"`
	// Line and Offset are those of a single record, in the decompressed object.
	Line   int64  `json:"line,omitempty"`
	Offset *int64 `json:"offset,omitempty"`
	// Message names the message that brought the notice.
	Message string `json:"message,omitempty"`
}

func (s source) json() json.RawMessage {
	data, err := json.Marshal(s)
	if err != nil { // strings and numbers only
		return json.RawMessage("{}")
	}
	return data
}

// position reads where a record in quarantine came from.
func position(rec quarantine.Record) (at source, err error) {
	if err := json.Unmarshal(rec.Source, &at); err != nil {
		return at, retry.Permanent(fmt.Errorf("quarantine %s line %d: source: %w", rec.Object, rec.Line, err))
	}
	return at, nil
}

// quarantine puts a notice where it can be replayed from: the message itself
// if it cannot be read, else as an R2 message, which a queue takes back. What was
// accepted as lost, the same version of the same object for the same reason, stays
// so: a backfill meets it again and again.
func (f *Function) quarantine(ctx context.Context, n trigger.Notice, o Object) (string, error) {
	record := n.Raw
	day := n.Time
	id := fmt.Sprintf("message\x00%s\x00%s", n.MessageID, n.Raw)
	src := source{Message: n.MessageID}
	if n.Err == nil {
		var err error
		if record, err = f.message(n); err != nil {
			return "", err
		}
		src.Bucket, src.Key, src.ETag, src.Size = n.Bucket, n.Key, n.ETag, max(n.Size, 0)
		id = fmt.Sprintf("object\x00%s\x00%s\x00%s\x00%s", o.Code, n.Bucket, n.Key, cmp.Or(n.ETag, o.etag))
	}
	if day.IsZero() {
		day = time.Now()
	}
	name := f.reject.Name(day, id)
	if known, err := f.reject.IsAccepted(ctx, name); err != nil || known {
		return name, err
	}
	return f.reject.Put(ctx, day, id, quarantine.Entry{Reason: o.Error, Code: o.Code, Source: src.json()}, record)
}

// message writes a notice in the form of R2's, whatever store it came from.
func (f *Function) message(n trigger.Notice) ([]byte, error) {
	type object struct {
		Key  string `json:"key"`
		Size int64  `json:"size"`
		ETag string `json:"eTag"`
	}
	if n.Bucket == "" {
		n.Bucket = "local" // of a directory, any name will do
	}
	at := ""
	if !n.Time.IsZero() {
		at = n.Time.Format(time.RFC3339Nano)
	}
	return json.Marshal(struct {
		Action    string `json:"action"`
		Bucket    string `json:"bucket"`
		Object    object `json:"object"`
		EventTime string `json:"eventTime,omitempty"`
	}{"PutObject", n.Bucket, object{n.Key, max(n.Size, 0), n.ETag}, at})
}
