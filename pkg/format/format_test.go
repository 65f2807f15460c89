package format

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/version"
)

func open(t *testing.T, url string) *bucket.Bucket {
	t.Helper()
	b, err := bucket.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// uses are all that is done with a bucket.
var uses = map[string]func(context.Context, *bucket.Bucket) error{
	"read": func(ctx context.Context, b *bucket.Bucket) error {
		_, err := b.ReadAll(ctx, "f/receipts/1")
		return err
	},
	"look": func(ctx context.Context, b *bucket.Bucket) error {
		_, err := b.Attributes(ctx, "f/receipts/1")
		return err
	},
	"list": func(ctx context.Context, b *bucket.Bucket) error { _, err := b.Keys(ctx, "f/"); return err },
	"list folders": func(ctx context.Context, b *bucket.Bucket) error {
		for _, err := range b.Folders(ctx, "f/") {
			return err
		}
		return nil
	},
	"create":  func(ctx context.Context, b *bucket.Bucket) error { return b.CreateJSON(ctx, "f/receipts/2", 2) },
	"replace": func(ctx context.Context, b *bucket.Bucket) error { return b.PutJSON(ctx, "f/receipts/1", 2) },
	"remove":  func(ctx context.Context, b *bucket.Bucket) error { return b.Remove(ctx, "f/receipts/1") },
	"append": func(ctx context.Context, b *bucket.Bucket) error {
		return b.Series("f/lease/", bucket.Digits(3)).Append(ctx, 1, 1)
	},
	"check": func(ctx context.Context, b *bucket.Bucket) error { return Check(ctx, b, "f") },
}

// Whatever kind of thing is newer, and whatever is done with the bucket, it is
// refused with what to do, and stays as it is.
func TestNewerIsRefused(t *testing.T) {
	for _, kind := range append(slices.Collect(maps.Keys(kinds)), "unheard-of") {
		t.Run(kind, func(t *testing.T) {
			url := "file://" + t.TempDir()
			left := open(t, url)
			number := kinds[kind] + 1
			object := fmt.Sprintf("f/format/%s/%d", kind, number)
			if err := errors.Join(left.CreateJSON(t.Context(), object, mark{"v9.8.7"}), left.CreateJSON(t.Context(), "f/receipts/1", 1)); err != nil {
				t.Fatal(err)
			}
			before := content(t, left)
			for name, use := range uses {
				b := open(t, url)
				Protect(b)
				err := use(t.Context(), b)
				var newer *NewerError
				if !errors.As(err, &newer) || !retry.IsPermanent(err) {
					t.Errorf("%s: %v", name, err)
					continue
				}
				for _, part := range []string{object, fmt.Sprintf("format %d of %q", number, kind), "v9.8.7", "this is " + version.String(), "upgrade to v9.8.7 or newer"} {
					if !strings.Contains(err.Error(), part) {
						t.Errorf("%s: %q is not in: %v", name, part, err)
					}
				}
				if newer.Knows != kinds[kind] {
					t.Errorf("%s: %+v", name, newer)
				}
			}
			if after := content(t, left); !maps.Equal(before, after) {
				t.Errorf("from %v to %v", before, after)
			}
			// Another function's are not.
			b := open(t, url)
			Protect(b)
			if err := b.CreateJSON(t.Context(), "g/receipts/1", 1); err != nil {
				t.Error(err)
			}
		})
	}
}

func content(t *testing.T, b *bucket.Bucket) map[string]string {
	t.Helper()
	keys, err := b.Keys(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, k := range keys {
		data, err := b.ReadAll(t.Context(), k)
		if err != nil {
			t.Fatal(err)
		}
		all[k] = string(data)
	}
	return all
}

// What a release writes it opens; what none marked, as the first releases, it
// leaves without a mark as long as all is of format 1.
func TestOwnFormatOpens(t *testing.T) {
	url := "file://" + t.TempDir()
	b := open(t, url)
	for kind, n := range kinds {
		if err := b.CreateJSON(t.Context(), fmt.Sprintf("marked/format/%s/%d", kind, n), mark{"v1.0.0"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.CreateJSON(t.Context(), "f/receipts/1", 1); err != nil {
		t.Fatal(err)
	}
	before := content(t, b)
	Protect(b)
	for _, function := range []string{"marked", "f"} {
		if err := b.CreateJSON(t.Context(), function+"/receipts/2", 2); err != nil {
			t.Fatal(err)
		}
		before[function+"/receipts/2"] = "2"
	}
	for kind, n := range kinds {
		if n > 1 {
			before[fmt.Sprintf("f/format/%s/%d", kind, n)] = content(t, b)[fmt.Sprintf("f/format/%s/%d", kind, n)]
		}
	}
	if after := content(t, b); !maps.Equal(before, after) {
		t.Errorf("from %v to %v", before, after)
	}
}

// A release with a format above 1 says so before it writes anything, and then
// the release before it is refused. To read leaves nothing.
func TestNewFormatIsMarkedBeforeItIsWritten(t *testing.T) {
	url := "file://" + t.TempDir()
	next, last := open(t, url), open(t, url)
	protect(next, map[string]int{"receipts": 1, "slices": 3}, "v2.0.0")
	protect(last, map[string]int{"receipts": 1, "slices": 2}, "v1.9.0")
	if _, err := next.Keys(t.Context(), "f/"); err != nil {
		t.Fatal(err)
	}
	raw := open(t, url)
	if got := content(t, raw); len(got) > 0 {
		t.Fatalf("reading left %v", got)
	}
	if err := next.CreateJSON(t.Context(), "f/receipts/1", 1); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"f/format/slices/3": `{"version":"v2.0.0"}`, "f/receipts/1": "1"}
	if got := content(t, open(t, url)); !maps.Equal(got, want) {
		t.Errorf("%v", got)
	}
	var newer *NewerError
	if err := last.CreateJSON(t.Context(), "f/receipts/2", 1); !errors.As(err, &newer) || newer.Knows != 2 || newer.Number != 3 {
		t.Errorf("%v", err)
	}
}

// An instance that lives on while others are upgraded hears of it.
func TestItIsLookedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		url := "file://" + t.TempDir()
		b := open(t, url)
		Protect(b)
		if err := b.CreateJSON(t.Context(), "f/receipts/1", 1); err != nil {
			t.Fatal(err)
		}
		if err := open(t, url).CreateJSON(t.Context(), "f/format/slices/99", mark{"v9.9.9"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(again + time.Second)
		var newer *NewerError
		if err := b.CreateJSON(t.Context(), "f/receipts/2", 1); !errors.As(err, &newer) {
			t.Errorf("%v", err)
		}
	})
}

// What is in the folder and no mark, as of something of that name, is passed by.
func TestOthersInTheFolderAreNoMarks(t *testing.T) {
	b := open(t, "file://"+t.TempDir())
	for _, key := range []string{"f/format/watermark/20261126T143928.747Z", "f/format/pending/20261126T130000Z-000002", "f/format/readme"} {
		if err := b.CreateJSON(t.Context(), key, 1); err != nil {
			t.Fatal(err)
		}
	}
	Protect(b)
	if err := b.CreateJSON(t.Context(), "f/receipts/1", 1); err != nil {
		t.Error(err)
	}
}
