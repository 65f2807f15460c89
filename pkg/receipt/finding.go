package receipt

import "fmt"

// Finding is something that a verification found wrong: evidence that does not
// fit together, or is not there.
type Finding struct {
	Kind   string `json:"kind"`  // such as gap, missing, altered
	Where  string `json:"where"` // the slice, object or shard
	Detail string `json:"detail"`
}

// The kinds of finding that functions share.
const (
	Gap         = "gap"         // a span of the source was never read
	Missing     = "missing"     // an object, or a receipt, that a receipt names is not there
	Altered     = "altered"     // an object is not what its receipt says, or a receipt not what its name says
	Unknown     = "unknown"     // an object that no receipt names, or a receipt that no later one does
	Behind      = "behind"      // the source has more than was delivered
	Doubled     = "doubled"     // it was delivered more than once
	Unpublished = "unpublished" // decided, but not delivered yet
	Quarantined = "quarantined" // rejected, and neither replayed nor accepted as lost
	Unread      = "unread"      // it could not be looked at
	Unbalanced  = "unbalanced"  // a receipt does not account for all that came in
)

// MaxFindings is how many findings a [FindingList] has in full: it bounds what a
// verification holds, whatever it meets.
const MaxFindings = 10_000

// FindingList has the findings of a verification: all are counted, the first
// ones listed.
type FindingList struct {
	Found    int64            `json:"found"`
	Kinds    map[string]int64 `json:"kinds"` // of Found, by kind
	Findings []Finding        `json:"findings"`
}

// NewFindingList returns one without a finding.
func NewFindingList() FindingList {
	return FindingList{Kinds: map[string]int64{}, Findings: []Finding{}}
}

// Find adds a finding, whose detail is made as by [fmt.Sprintf].
func (l *FindingList) Find(kind, where, format string, args ...any) {
	l.Count(kind, 1)
	if len(l.Findings) < MaxFindings {
		l.Findings = append(l.Findings, Finding{Kind: kind, Where: where, Detail: fmt.Sprintf(format, args...)})
	}
}

// Count adds findings that are not listed.
func (l *FindingList) Count(kind string, n int64) {
	l.Found += n
	if l.Kinds == nil {
		l.Kinds = map[string]int64{}
	}
	l.Kinds[kind] += n
}

// Join adds the findings of o.
func (l *FindingList) Join(o FindingList) {
	for kind, n := range o.Kinds {
		l.Count(kind, n)
	}
	l.Findings = append(l.Findings, o.Findings[:min(len(o.Findings), MaxFindings-len(l.Findings))]...)
}
