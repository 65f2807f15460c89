package hec

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"pgregory.net/rapid"
)

// Whatever is done to a batch, and in whatever order, what goes out is its text.
func TestPackedBodyIsTheBatch(t *testing.T) {
	c := newClient(t, Options{URLs: []string{"https://a:8088"}, Gzip: true, BatchBytes: 64 << 10})
	rapid.Check(t, func(t *rapid.T) {
		b, err := c.Batch(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer b.Release()
		var want []byte
		check := func() {
			z, err := gzip.NewReader(bytes.NewReader(b.whole()))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(z)
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%d bytes packed, %d in the batch: %v", len(got), len(want), err)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				event := strings.Repeat(rapid.StringN(0, 20, 40).Draw(t, "text"), rapid.IntRange(1, 2000).Draw(t, "times"))
				event = strings.ReplaceAll(event, "\n", "")
				at := rapid.IntRange(0, 2*len(want)+1).Draw(t, "hint")
				b.Append(Pos{}, func(dst []byte) []byte {
					b.Hint([]Hint{{At: uint32(len(dst)), From: uint32(at)}}) //nolint:gosec // small
					return append(dst, event...)
				})
				if event != "" {
					want = append(append(want, event...), '\n')
				}
			},
			"reset": func(*rapid.T) { b.Reset(); want = nil },
			"park":  func(*rapid.T) { b.park() },
			"send":  func(*rapid.T) { check() },
			"":      func(*rapid.T) {},
		})
		check()
		if !bytes.Equal(b.Bytes(), want) {
			t.Fatal("the text is another")
		}
	})
}
