package bucket_test

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

func TestContentTag(t *testing.T) {
	for etag, want := range map[string]string{
		"CKih16GjycICEAE=":                     "1418688703353000",
		`"CKih16GjycICEAE="`:                   "1418688703353000", // as gocloud gives it
		`"CKih16GjycICEAI="`:                   "1418688703353000",
		`"CKih16GjycICEAIYAQ==`:                `"CKih16GjycICEAIYAQ==`, // a third field
		"CKih16GjycIC":                         "CKih16GjycIC",
		"":                                     "",
		`"d41d8cd98f00b204e9800998ecf8427e"`:   `"d41d8cd98f00b204e9800998ecf8427e"`,
		`"9b2cf535f27731c974343645a3985328-2"`: `"9b2cf535f27731c974343645a3985328-2"`,
		`"18a3-5"`:                             `"18a3-5"`,
	} {
		if got := bucket.ContentTag(etag); got != want {
			t.Errorf("%s: %s, want %s", etag, got, want)
		}
	}
}

// Of two generations no ETags are equal, whatever happened to the metadata.
func TestContentTagTellsGenerationsApart(t *testing.T) {
	tag := func(generation, metageneration uint64) string {
		b := binary.AppendUvarint([]byte{1 << 3}, generation)
		b = binary.AppendUvarint(append(b, 2<<3), metageneration)
		return bucket.ContentTag(base64.StdEncoding.EncodeToString(b))
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Uint64().Draw(t, "a"), rapid.Uint64().Draw(t, "b")
		m, n := rapid.Uint64().Draw(t, "m"), rapid.Uint64().Draw(t, "n")
		if (tag(a, m) == tag(b, n)) != (a == b) {
			t.Errorf("%s and %s", tag(a, m), tag(b, n))
		}
	})
}

// Cloud Storage tells ETags without quotes, in a list and of an object.
func TestListedETagOfCloudStorage(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		object := map[string]any{"bucket": "b", "name": "k", "size": "2", "generation": "1418688703353000", "etag": "CKih16GjycICEAE=", "updated": "2026-01-02T03:04:05Z"}
		var answer any = object
		if r.URL.Path == "/storage/v1/b/b/o" {
			answer = map[string]any{"items": []any{object}}
		}
		_ = json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(srv.Close)
	t.Setenv("STORAGE_EMULATOR_HOST", strings.TrimPrefix(srv.URL, "http://"))
	b := open(t, "gs://b")
	a, err := b.Attributes(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for o, err := range b.Objects(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		n++
		if got := b.ListedETag(o); got != a.ETag || bucket.ContentTag(got) != "1418688703353000" {
			t.Errorf("a list says %s, a look %s", got, a.ETag)
		}
	}
	if n != 1 {
		t.Errorf("%d objects", n)
	}
}
