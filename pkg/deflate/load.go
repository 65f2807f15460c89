//go:build !purego && (amd64 || arm64)

package deflate

import "unsafe"

// Loads and stores of little-endian words that the caller knows to lie within b.
// The checks that they lack take a sixth of the time; load_purego.go has them.

func load32(b []byte, i int) uint32 {
	return *(*uint32)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(b)), i)) // #nosec G103 -- see above
}

func load64(b []byte, i int) uint64 {
	return *(*uint64)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(b)), i)) // #nosec G103 -- see above
}

func store64(b []byte, i int, v uint64) {
	*(*uint64)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(b)), i)) = v // #nosec G103 -- see above
}
