package ossblob

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzMetadata(f *testing.F) {
	for _, s := range [][2]string{{"source-key", "logs/ü+%2F?"}, {"a--b", "%"}, {"a-/-", " x "}, {"key_a", "\x00\n"}, {"日本", ""}, {"--2d", "--"}, {"---", "a"}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		name = strings.ToLower(name)
		if name == "" || !utf8.ValidString(name) {
			t.Skip()
		}
		out := encodeMetadata(map[string]string{name: value})
		for k, v := range out {
			if strings.Trim(k, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
				t.Fatalf("name %q became %q", name, k)
			}
			if strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r > '~' }) {
				t.Fatalf("value %q became %q", value, v)
			}
		}
		if back := decodeMetadata(out); len(back) != 1 || back[name] != value {
			t.Fatalf("%q: %q came back as %q", name, value, back)
		}
	})
}

func TestDecodeMetadataOfOthers(t *testing.T) {
	for in, want := range map[string]string{"100%": "100%", "a%20b": "a b", "ü": "ü"} {
		if got := decodeMetadata(map[string]string{"Their--Name--zz": in}); got["their--name--zz"] != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

// An object of the largest size fits into the most parts, and no part is too
// large or too small.
func TestPartSizes(t *testing.T) {
	var whole int64
	for n := range maxParts {
		size := partSize(firstPart, n)
		if size < 100<<10 || size > maxPart || n > 0 && size < partSize(firstPart, n-1) {
			t.Fatalf("part %d has %d bytes", n, size)
		}
		whole += int64(size)
	}
	if whole < 5<<40 {
		t.Errorf("%d bytes fit", whole)
	}
	if got := partSize(5<<30, 5000); got != maxPart {
		t.Errorf("a part of %d bytes", got)
	}
}
