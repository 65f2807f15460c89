package receipt

import (
	"encoding/hex"
	"hash/maphash"
	"iter"
	"slices"
	"time"
)

// kept is a receipt as a list tells of it.
type kept struct {
	key        string
	mod        time.Time
	superseded bool // by another one of its run
}

// keptList has the receipts of a list, of which there may be a million, in 64
// bytes each.
type keptList struct {
	function string
	ids      ids
	pieces   [][]packed
	odd      []kept // whose keys are not as those of receipts
	// twins are the keys of runs that have several.
	twins map[string]bool
}

// packed is a receipt whose key is that of its name.
type packed struct {
	at, mod    int64 // in milliseconds, and nanoseconds
	sum        [shaLen / 2]byte
	id         shortID
	ended      bool
	superseded bool
}

// piece is how many receipts lie together, and are let go of together.
const piece = 1 << 12

func newKeptList(function string) *keptList {
	return &keptList{function: function, twins: map[string]bool{}}
}

func (l *keptList) add(key string, mod time.Time) {
	n, err := NameOf(key)
	if err != nil || n.Key(l.function) != key {
		l.odd = append(l.odd, kept{key: key, mod: mod}) // the chain says so
		return
	}
	p := packed{at: n.At.UnixMilli(), mod: mod.UnixNano(), id: l.ids.short(n.ID), ended: n.Ended()}
	_, _ = hex.Decode(p.sum[:], []byte(n.SHA256)) // which was parsed
	if last := len(l.pieces) - 1; last >= 0 && len(l.pieces[last]) < piece {
		l.pieces[last] = append(l.pieces[last], p)
	} else {
		l.pieces = append(l.pieces, append(make([]packed, 0, piece), p))
	}
}

func (l *keptList) keyOf(p packed) string {
	n := Name{At: time.UnixMilli(p.at), ID: l.ids.long(p.id)}
	if p.ended {
		n.SHA256 = hex.EncodeToString(p.sum[:])
	}
	return n.Key(l.function)
}

// supersede finds out of which runs another receipt says more: see [Superseded].
func (l *keptList) supersede() {
	seed := maphash.MakeSeed()
	run := func(id shortID) uint64 { return maphash.Comparable(seed, id) }
	var runs []uint64
	l.each(func(id shortID, _ func() string, _ *bool) { runs = append(runs, run(id)) })
	slices.Sort(runs)
	several := map[uint64]bool{}
	for i := range runs {
		if i > 0 && runs[i] == runs[i-1] {
			several[runs[i]] = true
		}
	}
	if len(several) == 0 {
		return
	}
	var keys []string
	l.each(func(id shortID, key func() string, _ *bool) {
		if several[run(id)] {
			keys = append(keys, key())
			l.twins[key()] = true
		}
	})
	slices.Sort(keys)
	superseded := Superseded(keys)
	l.each(func(id shortID, key func() string, set *bool) {
		if several[run(id)] {
			*set = superseded[key()]
		}
	})
}

// each calls do with what each receipt's run is called, its key, and where it
// stands that it is superseded.
func (l *keptList) each(do func(id shortID, key func() string, superseded *bool)) {
	for _, some := range l.pieces {
		for i := range some {
			do(some[i].id, func() string { return l.keyOf(some[i]) }, &some[i].superseded)
		}
	}
	for i := range l.odd {
		if n, err := NameOf(l.odd[i].key); err == nil {
			do(l.ids.short(n.ID), func() string { return l.odd[i].key }, &l.odd[i].superseded)
		}
	}
}

// drain gives out the receipts, some at a time, and lets go of them.
func (l *keptList) drain() iter.Seq[[]kept] {
	return func(yield func([]kept) bool) {
		for i, some := range l.pieces {
			list := make([]kept, len(some))
			for j, p := range some {
				list[j] = kept{l.keyOf(p), time.Unix(0, p.mod), p.superseded}
			}
			if l.pieces[i] = nil; !yield(list) {
				return
			}
		}
		if len(l.odd) > 0 {
			yield(l.odd)
		}
	}
}
