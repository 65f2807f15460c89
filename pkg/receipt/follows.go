package receipt

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

// Follows says which receipts were there when a run kept its own. Runs overlap,
// so that receipts do not follow one after the other: one names the latest that
// it finds, and all that were saved since that one looked. Whatever was saved
// from Began until Seen is then named by it, or by one that it follows.
//
// Times in it are the store's, of when it has saved a receipt: they do not rest
// on the clocks of those who run.
type Follows struct {
	// Began is when the chain began: when the first receipt was saved, or one
	// before which there was none to go on from. It is zero in the first.
	Began time.Time `json:"began,omitzero"`
	// Seen is when the last receipt was saved that it has seen. What was saved
	// within [disorder] before may have been seen or not.
	Seen time.Time `json:"seen,omitzero"`
	// Receipts are the names of those that it follows, the first that of the one
	// which it goes on from.
	Receipts []string `json:"receipts,omitempty"`
	// Known has the marks, in base64, of those saved within [disorder] before Seen
	// that are named by others.
	Known string `json:"known,omitempty"`
	// Left counts those that there was no room to name: they were saved after
	// Seen, and the next one names them.
	Left int `json:"left,omitempty"`
	// Again tells that the receipt was kept before, and says the same but for what
	// it follows: it took long to save it, so that it may not have been seen.
	Again bool `json:"again,omitempty"`
	// Why says why it names none, where that could not be found out.
	Why string `json:"why,omitempty"`
}

const (
	// disorder is by how much a store may show receipts in another order than it
	// dates them: it may date by the second, or when an upload begins.
	disorder = 5 * time.Second
	// skew is how far the clocks of two who run may be apart, and how late a
	// receipt may be: stores refuse requests of a clock that is farther off theirs
	// (docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html,
	// RequestTimeTooSkewed).
	skew = 15 * time.Minute
	// mostNamed is how many receipts one names, which bounds its size: 19 KiB.
	mostNamed = 200
	// mostKnown is how many Known has room for: 8 KiB.
	mostKnown = 1000
)

// follow returns what the receipt of a run of function that ended at end
// follows. It costs a list and a read where another run ended within an hour and
// a half before.
func follow(ctx context.Context, state *bucket.Bucket, function string, end time.Time) (*Follows, error) {
	t := tail{state, function}
	var list []saved
	var found *Follows
	for _, look := range []func(context.Context, time.Time) (tailList, error){t.lastHours, t.dayBefore, t.earlier} {
		more, err := look(ctx, end)
		if err != nil {
			return nil, err
		}
		if len(more.ended) <= len(list) {
			continue // no others
		}
		list = timely(more.ended, end)
		before, last, err := lastLink(ctx, state, function, list)
		if err != nil {
			return nil, err
		}
		if before == nil {
			continue
		}
		// What was saved since it has looked may have ended before it, by the
		// clock of whoever ran.
		found = goOn(list, before, last)
		if more.narrowed || !last.At.Before(more.from.Add(2*skew)) {
			break
		}
	}
	if found != nil {
		return found, nil
	}
	return beginAnew(list), nil
}

// timely returns those of list that are to be followed by what ended at end, in
// the order in which they were saved. What was saved after another one that ended
// long after it is none of a run: it was put into the past.
func timely(list []saved, end time.Time) []saved {
	slices.SortFunc(list, saved.compare)
	var last time.Time // when that ended which ended last, of what was saved so far
	return slices.DeleteFunc(list, func(s saved) bool {
		if s.At.After(last) && !s.At.After(end) {
			last = s.At
		}
		return s.At.Add(skew).Before(last)
	})
}

// goOn follows last, and what was saved since that one has looked and is not
// named yet. list is in the order in which it was saved.
func goOn(list []saved, before *Follows, last saved) *Follows {
	f := &Follows{Began: before.Began, Seen: list[len(list)-1].mod, Receipts: []string{last.String()}}
	var since time.Time
	if before.Seen.IsZero() { // it is the first
		f.Began = last.mod
	} else {
		since = minTime(before.Seen, last.mod).Add(-disorder)
	}
	known := marksIn(before.Known)
	for _, name := range before.Receipts {
		known[markOf(name)] = true
	}
	for _, s := range list {
		switch {
		case s == last || s.mod.Before(since) || known[markOf(s.String())]:
		case f.Left > 0 || len(f.Receipts) == mostNamed:
			f.Left++
		default:
			f.Receipts = append(f.Receipts, s.String())
			f.Seen = s.mod
		}
	}
	if f.Left == 0 {
		f.Seen = list[len(list)-1].mod
	}
	f.Known = f.know(list, known)
	return f
}

// beginAnew follows those of list that were saved last, without going on from
// any; nothing, if there is none.
func beginAnew(list []saved) *Follows {
	f := &Follows{}
	if len(list) == 0 {
		return f
	}
	f.Left = max(0, len(list)-mostNamed)
	list = list[f.Left:]
	f.Began, f.Seen = list[0].mod, list[len(list)-1].mod
	if f.Left > 0 { // and not named, though perhaps saved at the same time
		f.Began = f.Began.Add(time.Second)
	}
	for _, s := range list {
		f.Receipts = append(f.Receipts, s.String())
	}
	return f
}

// know returns the marks of those in list, of the ones that others are known to
// name, which the next one may meet.
func (f *Follows) know(list []saved, known map[mark]bool) string {
	for _, name := range f.Receipts {
		delete(known, markOf(name))
	}
	var b []byte
	for _, s := range slices.Backward(list) {
		if s.mod.Before(f.Seen.Add(-disorder)) || len(b) == mostKnown*len(mark{}) {
			break
		}
		if m := markOf(s.String()); known[m] {
			b = append(b, m[:]...)
		}
	}
	return base64.StdEncoding.EncodeToString(b)
}

// mark is the beginning of a receipt's hash. Of a thousand and one, any two have
// the same with a chance of 2·10⁻⁹.
type mark [6]byte

func markOf(name string) (m mark) {
	raw, _ := hex.DecodeString(name[max(0, len(name)-shaLen):]) // of no hash, the zero mark
	copy(m[:], raw)
	return m
}

func marksIn(known string) map[mark]bool {
	all := map[mark]bool{}
	raw, _ := base64.StdEncoding.DecodeString(known) // whose hash was looked at
	for ; len(raw) >= len(mark{}); raw = raw[len(mark{}):] {
		all[mark(raw[:len(mark{})])] = true
	}
	return all
}

// tried is how many receipts are looked at for one to go on from: the last
// ones, and then ever fewer of those before.
const tried = 12

// lastLink returns the last of list that can be gone on from, and what it
// follows; nil if there is none. list is in the order in which it was saved.
func lastLink(ctx context.Context, state *bucket.Bucket, function string, list []saved) (*Follows, saved, error) {
	for try, back := 0, 1; try < tried && back <= len(list); try++ {
		s := list[len(list)-back]
		text, err := state.ReadAll(ctx, s.Key(function))
		if err != nil && !bucket.IsNotFound(err) {
			return nil, saved{}, err
		}
		if err == nil {
			if f, err := followsOf(s.Name, text); err == nil && f != nil && f.Why == "" {
				return f, s, nil
			}
		}
		if back++; try >= 2 {
			back = 2*back - 3
		}
	}
	return nil, saved{}, nil
}

// errAltered says that a receipt is not what its name says.
var errAltered = errors.New("its content does not have the SHA-256 of its name")

// followsOf reads what the receipt called n follows; nil if it does not say. The
// error is [errAltered] if the text is not that of its name.
func followsOf(n Name, text []byte) (*Follows, error) {
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != n.SHA256 {
		return nil, errAltered
	}
	var r struct {
		Follows *Follows `json:"follows"`
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("receipt %s: %w", n, err)
	}
	return r.Follows, nil
}

// saved is the receipt of a run that has ended, as a list tells of it.
type saved struct {
	Name
	mod time.Time // when it was saved, by the store's clock
}

// compare orders them as they were saved.
func (s saved) compare(o saved) int {
	if c := s.mod.Compare(o.mod); c != 0 {
		return c
	}
	return s.Name.Compare(o.Name)
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
