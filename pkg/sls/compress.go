package sls

import (
	"errors"
	"fmt"

	"github.com/pierrec/lz4/v4"
)

const (
	lz4Type  = "lz4"
	zstdType = "zstd"
)

var errRawSize = errors.New("sls: body does not decompress to its announced size")

// decompress fills raw, whose length is the announced size, from body. Every
// disagreement between the two is an error.
func (c *Client) decompress(kind string, body, raw []byte) error {
	switch kind {
	case lz4Type:
		n, err := lz4.UncompressBlock(body, raw)
		if err != nil || n != len(raw) {
			return errors.Join(errRawSize, err)
		}
	case zstdType:
		if c.zstd == nil {
			return errors.New("sls: body in zstd, which was not asked for")
		}
		out, err := c.zstd.DecodeAll(body, raw[:0:len(raw)])
		if err != nil || len(out) != len(raw) || &out[0] != &raw[0] {
			return errors.Join(errRawSize, err)
		}
	case "":
		if copy(raw, body) != len(raw) || len(body) != len(raw) {
			return errRawSize
		}
	default:
		return fmt.Errorf("sls: body in unknown compression %q", kind)
	}
	return nil
}

// compressBound is the most bytes that a body of n raw bytes can take.
func compressBound(n int) int { return lz4.CompressBlockBound(n) + 64 }

// compressLZ4 appends raw to dst as an LZ4 block.
func compressLZ4(dst, raw []byte) ([]byte, error) {
	start := len(dst)
	dst = append(dst, make([]byte, lz4.CompressBlockBound(len(raw)))...)
	n, err := lz4.CompressBlock(raw, dst[start:], nil)
	if err != nil {
		return nil, fmt.Errorf("sls: lz4: %w", err)
	}
	if n == 0 { // incompressible: one sequence of literals
		return appendLiterals(dst[:start], raw), nil
	}
	return dst[:start+n], nil
}

// appendLiterals is LZ4's form for bytes that do not compress: a token, the
// length beyond 15 in steps of 255, then the bytes.
func appendLiterals(dst, raw []byte) []byte {
	n := len(raw)
	if n < 15 {
		return append(append(dst, byte(n<<4)), raw...)
	}
	dst = append(dst, 0xf0)
	for n -= 15; n >= 255; n -= 255 {
		dst = append(dst, 255)
	}
	return append(append(dst, byte(n)), raw...)
}
