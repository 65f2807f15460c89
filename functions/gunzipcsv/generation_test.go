package gunzipcsv_test

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"hash/fnv"
	"sync"
	"testing"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/blob/driver"

	"github.com/siemfeed/siemfeed/functions/gunzipcsv"
	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
)

// generations is a bucket whose ETags are made as those of Cloud Storage: of the
// version's number, and of that of its metadata.
type generations struct {
	*flaky
	mu       sync.Mutex
	metadata uint64
}

func makeGenerations(b *bucket.Bucket) *generations {
	g := &generations{flaky: makeFlaky(b, 1, 0), metadata: 1}
	b.Bucket = blob.NewBucket(g)
	return g
}

// touch changes the metadata of all objects, as a lifecycle rule does.
func (g *generations) touch() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.metadata++
}

func (g *generations) Attributes(ctx context.Context, key string) (*driver.Attributes, error) {
	a, err := g.flaky.Attributes(ctx, key)
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	generation := fnv.New64a()
	_, _ = generation.Write([]byte(a.ETag)) // never fails
	tag := binary.AppendUvarint([]byte{1 << 3}, generation.Sum64())
	tag = binary.AppendUvarint(append(tag, 2<<3), g.metadata)
	a.ETag = `"` + base64.StdEncoding.EncodeToString(tag) + `"`
	return a, nil
}

// A lifecycle rule that moves source, targets and quarantine to a colder class
// changes no content: nothing is altered, stale, pending or converted again.
func TestAChangeOfMetadataIsNoNewVersion(t *testing.T) {
	w := newWorld(t, nil)
	var touched []*generations
	for _, b := range []*bucket.Bucket{w.parts.Source, w.parts.Dest, w.parts.Quarantine} {
		touched = append(touched, makeGenerations(b))
	}
	w.put("a.log.gz", gz(t, "1\n"))
	w.put("b.log.gz", gz(t, "2\n"))
	w.put("bad.log.gz", []byte("no gzip"))
	all := notices("a.log.gz", "b.log.gz", "bad.log.gz")
	if r, err := run(t, w.function(), all); err != nil || r.Out != 2 {
		t.Fatalf("%v, %+v", err, r)
	}
	s := quarantine.New(w.parts.Quarantine, "gunzipcsv")
	if err := s.Accept(t.Context(), func(quarantine.Record) bool { return true }, func(quarantine.Acceptance) {}); err != nil {
		t.Fatal(err)
	}
	if err := w.parts.Source.Delete(t.Context(), "bad.log.gz"); err != nil {
		t.Fatal(err)
	}
	for _, g := range touched {
		g.touch()
	}
	if v := w.verify(gunzipcsv.VerifyOptions{}); !v.Complete() || v.Converted != 2 || v.Accepted != 1 {
		t.Errorf("%+v", v)
	}
	if r, err := run(t, w.function(), notices("a.log.gz", "b.log.gz")); err != nil || r.Unchanged != 2 {
		t.Errorf("%v, %+v", err, r)
	}
	time.Sleep(2 * time.Millisecond) // the directory's clock has to tick
	w.put("a.log.gz", gz(t, "a new one\n"))
	if v := w.verify(gunzipcsv.VerifyOptions{}); v.Kinds["stale"] != 1 || v.Found != 1 {
		t.Errorf("%+v", v)
	}
}
