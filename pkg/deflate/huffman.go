package deflate

import "slices"

// maxBits is the longest code of the format.
const maxBits = 15

// build makes a prefix code for symbols that occur so often: none longer than
// limit bits, none for those that do not occur. It is the best code without the
// limit, and a good one where that has to be enforced.
func build(codes []code, freq []uint32, limit int) {
	clear(codes)
	var sorted [numLits]uint64 // frequency above symbol
	n := 0
	for i, f := range freq {
		if f > 0 {
			sorted[n] = uint64(f)<<16 | uint64(i) //nolint:gosec // below numLits
			n++
		}
	}
	by := sorted[:n]
	var lengths [maxBits + 1]int
	counts := lengths[:limit+1] // how many codes there are of each length
	switch n {
	case 0:
		// A block says how long at least one code is.
		codes[0] = newCode(0, 1)
		return
	case 1:
		counts[1] = 1
	default:
		slices.Sort(by)
		depths(by, counts)
	}
	for l, k := 1, n; l <= limit; l++ {
		for range counts[l] {
			k-- // the most frequent come first
			codes[by[k]&0xffff] = newCode(0, uint(l))
		}
	}
	assign(codes, counts)
}

// depths counts how many symbols get codes of each length, by the method of
// Moffat and Katajainen, in place over the frequencies, least first.
func depths(by []uint64, counts []int) {
	n := len(by)
	var a [numLits]int
	for i, x := range by {
		a[i] = int(x >> 16)
	}
	// Join the two least weights, again and again; a[next] is the weight of a
	// joint, and once that is joined itself, the index of its parent.
	leaf, root := 0, 0
	least := func(next int) (weight int) {
		if leaf >= n || root < next && a[root] < a[leaf] {
			weight, a[root] = a[root], next
			root++
			return weight
		}
		leaf++
		return a[leaf-1]
	}
	for next := range n - 1 {
		w := least(next)
		a[next] = w + least(next)
	}
	// Depths of joints, from the root down.
	a[n-2] = 0
	for i := n - 3; i >= 0; i-- {
		a[i] = a[a[i]] + 1
	}
	// What is no joint at a depth is a leaf.
	limit := len(counts) - 1
	slots, joint := 1, n-2
	for depth := 0; slots > 0; depth++ {
		joints := 0
		for ; joint >= 0 && a[joint] == depth; joint-- {
			joints++
		}
		counts[min(depth, limit)] += slots - joints
		slots = 2 * joints
	}
	shorten(counts)
}

// shorten mends a code of which some are longer than the limit, counted as if
// they were not: codes then take more than there is, in units of the longest
// (Kraft's inequality), and each turn takes back one.
func shorten(counts []int) {
	limit := len(counts) - 1
	over := -1 << limit
	for l := 1; l <= limit; l++ {
		over += counts[l] << (limit - l)
	}
	for ; over > 0; over-- {
		l := limit - 1
		for counts[l] == 0 {
			l--
		}
		// A leaf above becomes a joint of itself and of one of the longest.
		counts[l]--
		counts[l+1] += 2
		counts[limit]--
	}
}
