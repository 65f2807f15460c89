package ossblob

const (
	firstPart = 8 << 20
	maxPart   = 5 << 30
	maxParts  = 10_000
	// doubleEvery many parts, their size doubles: 1000 parts of 8 MiB, 1000 of
	// 16, and so on. 10,000 of them hold 8 TiB, and an object of 16 GiB still
	// goes out in parts of 16 MiB.
	doubleEvery = maxParts / 10
)

// partSize is the size in bytes of the n-th part, from 0, of an upload whose
// first one has the size first.
func partSize(first, n int) int {
	return min(first<<(n/doubleEvery), maxPart)
}
