package trailtags

import "github.com/siemfeed/siemfeed/pkg/alitags"

// counter is something that is counted of events or rows.
type counter int

const (
	rows counter = iota
	refusedRows
	retimed
	tagClashes
	keysCut
	// Why events go no further.
	noEvent
	reads
	otherServices
	ownCalls
	// What the tags of rows are worth.
	found
	untagged
	stale
	gone
	denied
	unsupported
	failed
	none

	counters
)

// names are what counters are called in receipts.
var names = [counters]string{
	rows: "rows", refusedRows: "rows_quarantined", retimed: "retimed", tagClashes: "tag_clashes", keysCut: "tag_keys_cut",
	noEvent: "no_event", reads: "reads", otherServices: "other_services", ownCalls: "own_calls",
	found: string(alitags.Found), untagged: string(alitags.Untagged), stale: string(alitags.Stale), gone: string(alitags.Gone),
	denied: string(alitags.Denied), unsupported: string(alitags.Unsupported), failed: string(alitags.Failed), none: string(statusNone),
}

var (
	filters  = names[noEvent : ownCalls+1]
	statuses = names[found:counters]
)

// ofStatus is the counter of rows with a status.
func ofStatus(s alitags.Status) counter {
	for c := found; c < counters; c++ {
		if names[c] == string(s) {
			return c
		}
	}
	return failed
}

// tally counts.
type tally [counters]int64

// more returns what was counted by name, nil for nothing.
func (t *tally) more() map[string]int64 {
	var m map[string]int64
	for c, n := range t {
		if n != 0 {
			if m == nil {
				m = map[string]int64{}
			}
			m[names[c]] = n
		}
	}
	return m
}

// pick returns those counts that are of the names.
func pick(more map[string]int64, of []string) map[string]int64 {
	var m map[string]int64
	for _, name := range of {
		if n := more[name]; n != 0 {
			if m == nil {
				m = map[string]int64{}
			}
			m[name] = n
		}
	}
	return m
}
