//go:build !purego && (amd64 || arm64)

// Package unaligned loads and stores little-endian words that the caller knows to
// lie within a slice. The checks that these lack take a sixth of the time of packing
// a body, and more of that of escaping one; with the build tag purego, and where the
// processor does not do it by itself, there are checks.
package unaligned

import "unsafe"

// Load32 returns b[i:i+4].
func Load32(b []byte, i int) uint32 {
	return *(*uint32)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(b)), i)) // #nosec G103 -- see above
}

// Load64 returns b[i:i+8].
func Load64(b []byte, i int) uint64 {
	return *(*uint64)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(b)), i)) // #nosec G103 -- see above
}

// Store64 sets b[i:i+8].
func Store64(b []byte, i int, v uint64) {
	*(*uint64)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(b)), i)) = v // #nosec G103 -- see above
}
