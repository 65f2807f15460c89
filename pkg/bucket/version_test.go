package bucket_test

import (
	"encoding/base64"
	"encoding/binary"
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
