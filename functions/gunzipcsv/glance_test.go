package gunzipcsv_test

import (
	"context"
	"maps"
	"sync/atomic"
	"testing"

	"gocloud.dev/blob"
	"gocloud.dev/blob/driver"

	"github.com/siemfeed/siemfeed/functions/gunzipcsv"
	"github.com/siemfeed/siemfeed/pkg/bucket"
)

// counted is a bucket that counts what it is asked for.
type counted struct {
	*flaky
	looks, lists atomic.Int64
}

func makeCounted(b *bucket.Bucket) *counted {
	c := &counted{flaky: makeFlaky(b, 1, 0)}
	b.Bucket = blob.NewBucket(c)
	return c
}

func (c *counted) Attributes(ctx context.Context, key string) (*driver.Attributes, error) {
	c.looks.Add(1)
	return c.flaky.Attributes(ctx, key)
}

func (c *counted) ListPaged(ctx context.Context, opts *driver.ListOptions) (*driver.ListPage, error) {
	c.lists.Add(1)
	return c.flaky.ListPaged(ctx, opts)
}

// What lists tell is not asked for once more: where all is as it has to be, no
// object is looked at by itself, and else only those that are not.
func TestVerifyLooksOnlyAtWhatListsDoNotTell(t *testing.T) {
	w := convertedWorld(t)
	source, dest := makeCounted(w.parts.Source), makeCounted(w.parts.Dest)
	wantLooks := func(v gunzipcsv.Verified, looks int64) {
		t.Helper()
		if got := max(source.looks.Swap(0), dest.looks.Swap(0)); got != looks || v.Objects != verified {
			t.Errorf("%d looks, want %d: %+v", got, looks, v)
		}
		if n := source.lists.Swap(0) + dest.lists.Swap(0); n > 6 {
			t.Errorf("%d lists", n)
		}
	}
	v := w.verify(gunzipcsv.VerifyOptions{})
	if !v.Complete() || v.Converted != verified || v.Bytes == 0 {
		t.Errorf("%+v", v)
	}
	wantLooks(v, 0)
	w.put(sourceKey(3), gz(t, "of another length\n"))
	if err := w.parts.Dest.Delete(t.Context(), targetKey(7)); err != nil {
		t.Fatal(err)
	}
	v = w.verify(gunzipcsv.VerifyOptions{})
	if v.Kinds["stale"] != 1 || v.Kinds["missing"] != 1 || v.Found != 2 || v.Converted != verified-2 {
		t.Errorf("%+v", v)
	}
	wantLooks(v, 2)
}

// Two sources of one target are two things to look at, though one is sound.
func TestVerifyFindsACollisionBesideWhatIsSound(t *testing.T) {
	w := convertedWorld(t)
	w.put("day0/000.json.gz", gz(t, "1\n"))
	v := w.verify(gunzipcsv.VerifyOptions{})
	if want := map[string]string{"day0/000.json.gz": "collision"}; !maps.Equal(kinds(v), want) || v.Objects != verified+1 || v.Converted != verified {
		t.Errorf("%+v", v)
	}
}
