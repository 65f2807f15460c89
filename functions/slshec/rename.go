package slshec

import (
	"strconv"
	"unicode/utf8"

	"github.com/siemfeed/siemfeed/pkg/hec"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// renamer gives every key of an object a name of its own: the first of its kind
// keeps it, later ones become key.2, key.3. A made-up name never takes that of
// a real key.
type renamer struct {
	taken map[string]int // name → times its key was met
	key   []byte
}

const (
	topicName = "__topic__"
	tagPrefix = "__tag__:"
)

// renamed writes contents, each followed by a comma, where keys occur twice or
// might. Group-level names come after the contents in the object but are
// rendered once for all logs, so they have the first right to their names.
func (m *mapper) renamed(dst []byte, fields []sls.Field) []byte {
	r := &m.rename
	r.reset()
	r.taken[topicName] = 1
	r.realTags(m.group.Tags)
	for _, t := range m.group.Tags {
		r.unique(r.tag(t.Key))
	}
	for _, f := range fields {
		r.taken[string(r.set(f.Key))] += 0 // known to be real
	}
	for _, f := range fields {
		dst = m.renamedField(dst, r.set(f.Key), f, m.json.of(f.Key))
		dst = append(dst, ',')
	}
	return dst
}

// tags writes the group's tags, each after a comma.
func (m *mapper) tags(dst []byte, tags []sls.Field) []byte {
	r := &m.rename
	r.reset()
	r.realTags(tags)
	for _, t := range tags {
		dst = append(dst, ',')
		dst = m.renamedField(dst, r.tag(t.Key), t, asString)
	}
	return dst
}

func (r *renamer) realTags(tags []sls.Field) {
	for _, t := range tags {
		r.taken[string(r.tag(t.Key))] += 0
	}
}

func (r *renamer) tag(key []byte) []byte {
	r.key = append(append(r.key[:0], tagPrefix...), key...)
	return r.repaired()
}

func (m *mapper) renamedField(dst, key []byte, f sls.Field, value embedding) []byte {
	if !utf8.Valid(f.Key) {
		_, invalid := hec.AppendString(nil, f.Key)
		m.invalid += invalid
	}
	dst, _ = hec.AppendString(dst, m.rename.unique(key))
	dst = append(dst, ':')
	if value != asString {
		return m.embedded(dst, f.Value, value)
	}
	return m.text(dst, f.Value)
}

func (r *renamer) reset() {
	if r.taken == nil {
		r.taken = map[string]int{}
	}
	clear(r.taken)
}

func (r *renamer) set(key []byte) []byte {
	r.key = append(r.key[:0], key...)
	return r.repaired()
}

// repaired returns the key as it will be read: each byte that is not UTF-8
// becomes U+FFFD.
func (r *renamer) repaired() []byte {
	if !utf8.Valid(r.key) {
		r.key = []byte(string([]rune(string(r.key))))
	}
	return r.key
}

// unique returns the name under which key goes out.
func (r *renamer) unique(key []byte) string {
	name := string(key)
	n := r.taken[name] + 1
	if n == 1 {
		r.taken[name] = 1
		return name
	}
	for ; ; n++ {
		made := name + "." + strconv.Itoa(n)
		if _, taken := r.taken[made]; !taken {
			r.taken[name], r.taken[made] = n, 1
			return made
		}
	}
}
