package bucket_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

func TestAListOfManyFoldersIsComplete(t *testing.T) {
	b, err := bucket.Open(t.Context(), "file://"+t.TempDir()+"?metadata=skip")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	want := []string{"a-b", "a.b/c"}
	for i := range 1500 {
		want = append(want, fmt.Sprintf("a/%04d", i))
	}
	for _, k := range want {
		if err := b.WriteAll(t.Context(), k, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := b.Keys(t.Context(), "a"); err != nil || !slices.Equal(got, want) {
		t.Errorf("%d keys, %v, want %d", len(got), err, len(want))
	}
}
