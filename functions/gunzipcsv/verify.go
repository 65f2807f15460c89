package gunzipcsv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"gocloud.dev/blob"
	"golang.org/x/sync/errgroup"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/objcsv"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// The kinds of finding beside those of package receipt.
const (
	findStale       = "stale"
	findQuarantined = "quarantined"
	findCollision   = "collision"
)

// Verified is what a verification covered.
type Verified struct {
	Objects   int64 `json:"objects"`   // in the source
	Converted int64 `json:"converted"` // of these, with a target of the same version
	Skipped   int64 `json:"skipped"`   // gzip neither by name nor by bytes
	Bytes     int64 `json:"bytes"`     // of the converted sources
	// Records counts single records in quarantine, of objects converted.
	Records  int64             `json:"records_quarantined"`
	Findings []receipt.Finding `json:"findings"`
}

// maxFindings bounds the list; the rest is counted in one more finding.
const maxFindings = 10_000

// lookers is how many objects are looked at side by side.
const lookers = 16

// Verify compares the source with the destination: every object selected has
// its target, made from the version that is there now. done, if not nil, hears
// of every object, from many goroutines. An error means that it could not be
// found out.
func (f *Function) Verify(ctx context.Context, s Selection, done func()) (Verified, error) {
	v := Verified{Findings: []receipt.Finding{}}
	reasons, err := f.reasons(ctx, &v)
	if err != nil {
		return v, err
	}
	var mu sync.Mutex
	more := 0
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(lookers)
	listErr := f.list(gctx, s, func(o *blob.ListObject) error {
		key := o.Key
		g.Go(func() error {
			finding, skipped, size, err := f.verify(gctx, key, reasons)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			v.Objects++
			switch {
			case skipped:
				v.Skipped++
			case finding.Kind == "":
				v.Converted++
				v.Bytes += size
			case len(v.Findings) < maxFindings:
				v.Findings = append(v.Findings, finding)
			default:
				more++
			}
			if done != nil {
				done()
			}
			return nil
		})
		return nil
	})
	if err := errors.Join(g.Wait(), listErr); err != nil {
		return v, err
	}
	if more > 0 {
		v.Findings = append(v.Findings, receipt.Finding{Kind: receipt.Missing, Where: f.parts.Dest.URL, Detail: fmt.Sprintf("and %d findings more", more)})
	}
	return v, nil
}

// verify looks at one source object and its target.
func (f *Function) verify(ctx context.Context, key string, reasons map[string]string) (find receipt.Finding, skipped bool, size int64, err error) {
	src, err := f.parts.Source.Attributes(ctx, key)
	if bucket.IsNotFound(err) {
		return find, true, 0, nil // deleted since it was listed
	}
	if err != nil {
		return find, false, 0, fmt.Errorf("look at source %s: %w", key, err)
	}
	if !strings.HasSuffix(key, ".gz") {
		gzip := false
		if !strings.HasSuffix(key, "/") {
			gzip, err = f.isGzip(ctx, key)
		}
		if err != nil || !gzip {
			return find, true, 0, err
		}
	}
	target := objcsv.TargetKey(key)
	state, there, err := f.target(ctx, target, f.origin(key, src))
	if err != nil {
		return find, false, 0, err
	}
	find.Where = f.prefix + key
	reason, rejected := reasons[find.Where]
	switch {
	case state == current:
		return receipt.Finding{}, false, src.Size, nil
	case rejected:
		find.Kind, find.Detail = findQuarantined, reason
	case state == absent:
		find.Kind, find.Detail = receipt.Missing, "there is no "+target+": run a backfill"
	case state == stale:
		find.Kind, find.Detail = findStale, fmt.Sprintf("%s was made from version %s of %s bytes, and the source is %s of %d now: run a backfill", target, there.Metadata[metaETag], there.Metadata[metaSize], src.ETag, src.Size)
	default:
		find.Kind, find.Detail = findCollision, collision(target, there.Metadata).Error()
	}
	return find, false, 0, nil
}

// reasons reads from the quarantine why objects were rejected, by key.
func (f *Function) reasons(ctx context.Context, v *Verified) (map[string]string, error) {
	out := map[string]string{}
	for obj, err := range f.reject.Pending(ctx) {
		if err != nil {
			return nil, err
		}
		for rec, err := range f.reject.Read(ctx, obj.Name) {
			if err != nil {
				return nil, err
			}
			var at source
			if err := json.Unmarshal(rec.Source, &at); err != nil {
				return nil, fmt.Errorf("quarantine %s line %d: source: %w", obj.Name, rec.Line, err)
			}
			if at.Line > 0 {
				v.Records++
			} else if at.Key != "" {
				out[at.Key] = rec.Reason + " (" + obj.Name + ")"
			}
		}
	}
	return out, nil
}
