package sls

import (
	"testing"

	"pgregory.net/rapid"
)

func TestSizeClass(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 1<<30).Draw(t, "n")
		class, size := sizeClass(n)
		if size < n || size > max(64<<10, n+n/2+1) {
			t.Fatalf("%d bytes get a buffer of %d", n, size)
		}
		if c, s := sizeClass(size); c != class || s != size {
			t.Fatalf("a buffer of %d is of class %d, asked for %d it is of %d", size, class, size, c)
		}
	})
}
