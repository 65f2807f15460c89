package gunzipcsv

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
	"gocloud.dev/blob"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

// Written is a line of a manifest: a target as it was written, and the version
// of the source it was made from.
type Written struct {
	Source       string    `json:"source"` // its key as the store knows it, prefix included
	SourceETag   string    `json:"source_etag"`
	SourceSize   int64     `json:"source_size"` // bytes
	SourceTime   time.Time `json:"source_time"` // when this version was written
	Target       string    `json:"target"`
	TargetETag   string    `json:"target_etag"` // as the store gave it
	TargetSize   int64     `json:"target_size"` // bytes
	TargetSHA256 string    `json:"target_sha256"`
	TargetTime   time.Time `json:"target_time"`
}

// is tells whether the target is there as it was written, as far as the store's
// size and ETag tell.
func (w *Written) is(there *blob.Attributes) bool {
	return w.TargetSize == there.Size && bucket.ContentTag(w.TargetETag) == bucket.ContentTag(there.ETag)
}

// madeOf tells whether the target was made of this version of its source.
func (w *Written) madeOf(src *blob.Attributes) bool {
	return w.SourceSize == src.Size && bucket.ContentTag(w.SourceETag) == bucket.ContentTag(src.ETag)
}

// partOf is how many targets a part of a manifest holds at most, about.
const partOf = 256

// manifest is the list of what a run wrote: gzip NDJSON in parts, each durable
// before the work it tells of is acknowledged, so that what was acknowledged is
// in a manifest, whenever the run is killed. It is bounded by what is not
// written yet, and 16 bytes for each target. Safe for concurrent use.
type manifest struct {
	state *bucket.Bucket
	run   string

	writing sync.Mutex // of parts
	parts   int

	mu      sync.Mutex
	waiting map[string][]Written // by the run that wrote the target
	n       int                  // of these
	known   map[uint64]struct{}  // see markOf
}

func newManifest(state *bucket.Bucket, run string) *manifest {
	return &manifest{state: state, run: run, waiting: map[string][]Written{}, known: map[uint64]struct{}{}}
}

// manifestRoot is the folder of manifests in STATE_URL.
const manifestRoot = "gunzipcsv/manifests/"

// manifestPrefix is what the parts that tell of a run's targets begin with:
// gunzipcsv/manifests/YYYY/MM/DD/<run>-, by the day the run began. What is not the
// name of a run is an error: it comes out of the metadata of a target, which others
// may have written.
func manifestPrefix(run string) (string, error) {
	began, err := time.Parse("20060102", run[:min(8, len(run))])
	if err != nil || strings.Trim(run, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ.-") != "" {
		return "", fmt.Errorf("%.40q is not the name of a run", run)
	}
	return manifestRoot + began.Format("2006/01/02/") + run + "-", nil
}

// add enters a target that by wrote: this run, or one that was killed before it
// could say so.
func (m *manifest) add(by string, w Written) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waiting[by] = append(m.waiting[by], w)
	m.n++
	m.known[markOf(w.Target, w.TargetETag)] = struct{}{}
}

// has tells whether the target was entered in this run, as it is now.
func (m *manifest) has(target, etag string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, ok := m.known[markOf(target, etag)]
	return ok
}

// full tells whether a part's worth is waiting.
func (m *manifest) full() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.n >= partOf
}

// flush makes durable what was added. After an error all of it still waits.
func (m *manifest) flush(ctx context.Context) error {
	m.writing.Lock()
	defer m.writing.Unlock()
	m.mu.Lock()
	waiting := m.waiting
	m.waiting, m.n = map[string][]Written{}, 0
	m.mu.Unlock()
	for by, lines := range waiting {
		if err := m.write(ctx, by, lines); err != nil {
			m.mu.Lock()
			for by, lines := range waiting {
				m.waiting[by] = append(m.waiting[by], lines...)
				m.n += len(lines)
			}
			m.mu.Unlock()
			return fmt.Errorf("keep the list of what was written: %w", err)
		}
		delete(waiting, by)
	}
	return nil
}

// write writes a part. Its name has the run whose targets it tells of first, so
// that they are found from there, then the run that says so, if that is another,
// its number, and how many lines it has. It ends in .jsonl.gz, since .ndjson.gz
// is what lies in quarantine.
func (m *manifest) write(ctx context.Context, by string, lines []Written) error {
	prefix, err := manifestPrefix(by)
	if err != nil {
		return err
	}
	var part bytes.Buffer
	gz := gzip.NewWriter(&part)
	enc := json.NewEncoder(gz)
	for _, w := range lines {
		if err := enc.Encode(w); err != nil {
			return err
		}
	}
	if err := gz.Close(); err != nil {
		return err
	}
	if by != m.run {
		prefix += m.run + "-"
	}
	m.parts++
	key := fmt.Sprintf("%s%05d-%d.jsonl.gz", prefix, m.parts, len(lines))
	policy := retry.Policy{Attempts: 3, Base: 250 * time.Millisecond, Max: 2 * time.Second}
	return policy.Do(ctx, func(ctx context.Context) error {
		_, err := m.state.Put(ctx, key, bytes.NewReader(part.Bytes()), blob.WriterOptions{ContentType: "application/gzip"})
		return err
	})
}

var markSeed = maphash.MakeSeed()

// markOf is what is remembered of a version of a target.
func markOf(target, etag string) uint64 {
	return maphash.Comparable(markSeed, [2]string{target, bucket.ContentTag(etag)})
}
