package alitags

import (
	"encoding/binary"
	"iter"
	"maps"
	"slices"
)

// Status says what the tags of an [Answer] are worth.
type Status string

// The statuses.
const (
	Found       Status = "found"       // the API gave these tags
	Untagged    Status = "untagged"    // the API knows no tags, and no delete was seen
	Stale       Status = "stale"       // deleted or unreachable: the tags last known
	Gone        Status = "gone"        // deleted, and no tags are known
	Denied      Status = "denied"      // the account does not let itself be asked
	Unsupported Status = "unsupported" // no API tells tags of such a resource
	Failed      Status = "error"       // no answer within the budget
)

// Answer is what a lookup came to.
type Answer struct {
	Status Status
	Tags   Tags
}

// Tags are the tags of a resource, by key. They are one string, so that a
// hundred thousand of them are cheap to hold: length and bytes of a key, length
// and bytes of its value, and so on.
type Tags struct{ packed string }

// MakeTags packs tags.
func MakeTags(tags map[string]string) Tags {
	if len(tags) == 0 {
		return Tags{}
	}
	var b []byte
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		for _, s := range []string{key, tags[key]} {
			b = binary.AppendUvarint(b, uint64(len(s)))
			b = append(b, s...)
		}
	}
	return Tags{string(b)}
}

// All yields key and value of each tag, in the order of the keys.
func (t Tags) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for rest := t.packed; rest != ""; {
			var key, value string
			key, rest = cut(rest)
			value, rest = cut(rest)
			if !yield(key, value) {
				return
			}
		}
	}
}

// None tells whether there are no tags.
func (t Tags) None() bool { return t.packed == "" }

// Map returns the tags as a map.
func (t Tags) Map() map[string]string { return maps.Collect(t.All()) }

// cut takes one string off the front of packed ones.
func cut(s string) (first, rest string) {
	n, shift := 0, 0
	for i := range len(s) {
		c := s[i]
		n |= int(c&0x7f) << shift
		if c < 0x80 {
			return s[i+1 : i+1+n], s[i+1+n:]
		}
		shift += 7
	}
	return "", ""
}
