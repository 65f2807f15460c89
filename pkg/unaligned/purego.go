//go:build purego || !(amd64 || arm64)

package unaligned

import "encoding/binary"

// Load32 returns b[i:i+4].
func Load32(b []byte, i int) uint32 { return binary.LittleEndian.Uint32(b[i:]) }

// Load64 returns b[i:i+8].
func Load64(b []byte, i int) uint64 { return binary.LittleEndian.Uint64(b[i:]) }

// Store64 sets b[i:i+8].
func Store64(b []byte, i int, v uint64) { binary.LittleEndian.PutUint64(b[i:], v) }
