package alitags

import (
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// memory holds what is known of resources, of as many as it may: those that were
// asked about last. It is guarded by the client's lock.
type memory struct {
	lru   *simplelru.LRU[key, record]
	dirty map[key]struct{} // to be kept; nil where nothing is
}

// key names a resource.
type key struct {
	scope *scope
	id    string
}

// outcome is what the API last said of a resource.
type outcome uint8

const (
	unasked outcome = iota // nothing, in this process
	gave                   // tags
	gaveNone
	knewNot // the resource itself
	wasDenied
	wasUnsupported
	wasRefused // as an id that cannot be one
	noEndpoint // nothing: there is nobody to ask
)

// record is what is known of a resource. Times are in ms since 1970.
type record struct {
	tags  Tags  // what the API gave last, though it may give none now
	given int64 // since when that is known
	none  int64 // since when it gives none, 0 if it does
	gone  int64 // eventTime of a delete, 0 if none was seen
	untag int64 // eventTime of an untag that the API has not been asked after
	fresh int64 // what was asked for before this does not show what has happened
	saved int64 // the given that was kept last, 0 if none was

	last  outcome
	asked int64 // when last is from
	until int64 // how long last counts
}

// settle is how much later than an event the API has to be asked for its answer
// to show what the event did: clocks differ, and so do copies of the data.
const settle = 10 * time.Second

func newMemory(size int, keep bool) (*memory, error) {
	m := &memory{}
	if keep {
		m.dirty = map[key]struct{}{}
	}
	var err error
	m.lru, err = simplelru.NewLRU(size, func(k key, _ record) { k.scope.records-- })
	return m, err
}

func (m *memory) get(k key) (record, bool) { return m.lru.Get(k) }

func (m *memory) put(k key, r record) {
	if !m.lru.Contains(k) {
		k.scope.records++
	}
	m.lru.Add(k, r)
}

// changed marks what is to be kept.
func (m *memory) changed(k key) {
	if m.dirty != nil {
		m.dirty[k] = struct{}{}
	}
}

// counts tells whether the last answer still does.
func (r *record) counts(now time.Time) bool {
	return now.UnixMilli() < r.until && r.asked >= r.fresh
}

// happened takes note of an event. It tells whether there is something new to
// keep.
func (r *record) happened(c change, at, now int64) (news bool) {
	r.fresh = max(r.fresh, min(at+settle.Milliseconds(), now+1))
	switch {
	case c == untagged && r.given < r.fresh: // else the tags are those it left
		r.untag = max(r.untag, at)
	case c == deleted && at > r.gone:
		r.gone = at
		if r.none != 0 && r.none+settle.Milliseconds() < at {
			r.tags, r.given = Tags{}, r.none // it was there still, and had none any more
		}
		return true
	case c == created && r.gone != 0 && at > r.gone:
		*r = record{given: at, saved: r.saved, fresh: r.fresh} // another resource of the same name
		return true
	}
	return false
}

// told takes note of an answer of the API, asked for at a time. It tells whether
// there is something new to keep.
func (r *record) told(o outcome, tags Tags, asked, until int64) (news bool) {
	r.last, r.asked, r.until = o, asked, until
	switch o {
	case gave:
		news = r.tags != tags || r.none != 0 || asked-r.saved > 24*time.Hour.Milliseconds()
		r.tags, r.given, r.none, r.untag = tags, asked, 0, 0
	case gaveNone, knewNot:
		switch {
		case r.untag != 0:
			// Somebody took the tags away: that there are none is what they are, also
			// to processes that know what they were.
			news = true
			r.tags, r.given, r.none, r.untag = Tags{}, asked, 0, 0
		case !r.tags.None() && r.none == 0:
			news, r.none = true, asked
		}
	}
	return news
}

// answer is what the record says while it counts.
func (r *record) answer() Answer {
	switch r.last {
	case gave:
		return Answer{Found, r.tags}
	case wasDenied:
		return Answer{Status: Denied}
	case wasUnsupported:
		return Answer{Status: Unsupported}
	case wasRefused:
		return Answer{Status: Failed}
	case noEndpoint:
		return r.unreachable()
	case gaveNone:
		if r.gone == 0 {
			return Answer{Status: Untagged}
		}
	}
	if r.tags.None() {
		return Answer{Status: Gone}
	}
	return Answer{Stale, r.tags}
}

// unreachable is what the record says where the API cannot be asked.
func (r *record) unreachable() Answer {
	if r.tags.None() {
		return Answer{Status: Failed}
	}
	return Answer{Stale, r.tags}
}
