package sls

// The protobuf wire format, read exactly as strictly as the SDK's generated
// decoder (log.pb.go) reads it: a walker that accepts other bytes than the
// vendor's own consumers do would deliver other logs than they would. An index
// below zero means that the bytes are malformed.

const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireStart   = 3
	wireEnd     = 4
	wireFixed32 = 5
)

// uvarint reads a varint of at most ten bytes; bits beyond the 64th are
// dropped.
func uvarint(b []byte, i int) (uint64, int) {
	if i < len(b) && b[i] < 0x80 {
		return uint64(b[i]), i + 1
	}
	return longVarint(b, i)
}

func longVarint(b []byte, i int) (uint64, int) {
	var v uint64
	for shift := 0; shift < 64; shift += 7 {
		if i >= len(b) {
			return 0, -1
		}
		c := b[i]
		i++
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v, i
		}
	}
	return 0, -1
}

// tag reads a field's number and wire type, and returns where its value
// begins. The number is cut to 32 bits before it is judged.
func tag(b []byte, i int) (num int32, wt int, next int) {
	v, next := uvarint(b, i)
	num, wt = int32(v>>3), int(v&7) //nolint:gosec // cut on purpose
	if next < 0 || num <= 0 || wt == wireEnd {
		return 0, 0, -1
	}
	return num, wt, next
}

// chunk reads a length and that many bytes.
func chunk(b []byte, i int, wt int) ([]byte, int) {
	if wt != wireBytes {
		return nil, -1
	}
	if from, end := brief(b, i); end >= 0 {
		return b[from:end:end], end
	}
	n, i := uvarint(b, i)
	if i < 0 || n > uint64(len(b)-i) {
		return nil, -1
	}
	end := i + int(n) //nolint:gosec // bounded by len(b)
	return b[i:end:end], end
}

// brief reads a length of one or two bytes at i, as nearly all are, and returns
// where the bytes begin and end. Otherwise end is below zero, which says nothing
// about whether the bytes are good. Unlike chunk it is inlined, and that shows in
// the whole: there are two of these for every value.
func brief(b []byte, i int) (from, end int) {
	if i+2 > len(b) {
		return 0, -1
	}
	n, from := int(b[i]), i+1
	if n >= 0x80 {
		n, from = n&0x7f|int(b[i+1])<<7, i+2
	}
	if n > 0x3fff || from+n > len(b) {
		return 0, -1
	}
	return from, from + n
}

// skip steps over the field whose tag begins at i, groups included. Fields
// within a group are not judged by their number, as in skipLog of log.pb.go.
func skip(b []byte, i int) int {
	for depth := 0; i < len(b); {
		v, next := uvarint(b, i)
		if next < 0 {
			return -1
		}
		i = next
		switch v & 7 {
		case wireVarint:
			_, i = uvarint(b, i)
		case wireFixed64:
			i += 8
		case wireBytes:
			n, next := uvarint(b, i)
			if next < 0 || n > uint64(len(b)-next) {
				return -1
			}
			i = next + int(n) //nolint:gosec // bounded by len(b)
		case wireStart:
			depth++
		case wireEnd:
			if depth--; depth < 0 {
				return -1
			}
		case wireFixed32:
			i += 4
		default:
			return -1
		}
		if i < 0 || i > len(b) {
			return -1
		}
		if depth == 0 {
			return i
		}
	}
	return -1
}
