package receipt

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"path"
	"strings"
	"time"
)

// Name is what the key of a kept receipt tells of it:
//
//	<function>/receipts/YYYY/MM/DD/<end>-<id>-<SHA-256>.json   a run that has ended
//	<function>/receipts/YYYY/MM/DD/<begin>-<id>.json           one that is under way, or was killed
//
// So the order of keys is about that in which runs ended, and a list of them has
// the hash of each. The second form is also that of every receipt that a release
// has kept in which none named another.
type Name struct {
	// At is when the run ended, or began where there is no hash, in milliseconds
	// and by its own clock.
	At time.Time
	// ID is what the run is called besides when it began.
	ID string
	// SHA256 is that of the receipt's bytes, in hexadecimal digits; empty in the
	// second form.
	SHA256 string
}

// shaLen is how many hexadecimal digits a SHA-256 has.
const shaLen = 64

// ParseName reads a name as [Name.String] writes it.
func ParseName(s string) (n Name, err error) {
	at, rest, _ := strings.Cut(s, "-")
	if n.At, err = time.Parse(stamp, at); err != nil {
		return Name{}, fmt.Errorf("%q is no name of a receipt: %w", s, err)
	}
	n.ID = rest
	if i := strings.LastIndexByte(rest, '-'); i > 0 && len(rest)-i-1 == shaLen {
		if _, err := hex.DecodeString(rest[i+1:]); err == nil {
			n.ID, n.SHA256 = rest[:i], rest[i+1:]
		}
	}
	if n.ID == "" || strings.ContainsAny(n.ID, "-/") {
		return Name{}, fmt.Errorf("%q is no name of a receipt: it does not say of which run", s)
	}
	return n, nil
}

// NameOf reads the name of the receipt that lies at key.
func NameOf(key string) (Name, error) { return ParseName(strings.TrimSuffix(path.Base(key), ".json")) }

// Ended tells whether it is the name of the receipt of a run that has ended, in
// a release whose receipts name each other.
func (n Name) Ended() bool { return n.SHA256 != "" }

// String is the last part of the key, without its ending.
func (n Name) String() string {
	s := n.At.UTC().Format(stamp) + "-" + n.ID
	if n.Ended() {
		s += "-" + n.SHA256
	}
	return s
}

// Key is where the receipt of function lies in STATE_URL.
func (n Name) Key(function string) string {
	return folder(function) + n.At.UTC().Format("2006/01/02/") + n.String() + ".json"
}

// Compare orders names as their keys are ordered, in one form.
func (n Name) Compare(o Name) int {
	return cmp.Or(n.At.Compare(o.At), strings.Compare(n.ID, o.ID), strings.Compare(n.SHA256, o.SHA256))
}

// folder is where the receipts of function lie.
func folder(function string) string { return function + "/receipts/" }

// Superseded tells which of the keys of receipts, in order, are of runs that
// another of them says more of: one kept before the run had ended, or before it
// was kept once more. Of each run one is left.
func Superseded(keys []string) map[string]bool {
	latest := map[string]string{}
	out := map[string]bool{}
	for _, key := range keys {
		n, err := NameOf(key)
		if err != nil {
			continue
		}
		was, again := latest[n.ID]
		switch {
		case !again || n.Ended():
			latest[n.ID] = key
			if again {
				out[was] = true
			}
		default: // an ended one is there already
			out[key] = true
		}
	}
	return out
}
