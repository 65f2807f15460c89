package alitags

import (
	"strings"
	"time"
)

// Event is the event that touched the resource. It decides whether what is known
// from before it still counts, and what it means that the API knows no tags. The
// zero value is an event that changes neither tags nor existence.
type Event struct {
	Name   string    // eventName, such as DeleteInstance
	Time   time.Time // eventTime
	Failed bool      // the call had an errorCode: it changed nothing
}

// at is when the event happened, in ms; one that does not say when happens now.
func (e *Event) at(now time.Time) int64 {
	if e.Time.IsZero() {
		return now.UnixMilli()
	}
	return e.Time.UnixMilli()
}

// change is what an event did to the tags of a resource.
type change int

const (
	unchanged change = iota
	tagged           // tags were set
	untagged         // tags were taken away
	deleted          // the resource was
	created          // the resource was, perhaps once more under the same name
)

// tagEvents are the calls that change tags, of the Tag service and of the
// products' own APIs, the older ones too.
var tagEvents = map[string]change{
	"TagResources": tagged, "TagResource": tagged, "AddTags": tagged, "CreateTags": tagged, "SetTags": tagged, "PutBucketTags": tagged,
	"UntagResources": untagged, "UntagResource": untagged, "UnTagResources": untagged, "RemoveTags": untagged, "DeleteTags": untagged, "DeleteBucketTags": untagged,
}

// verbs begin the names of the calls that make or end a resource.
var verbs = []struct {
	verb string
	does change
}{
	{"Delete", deleted}, {"Release", deleted}, {"Terminate", deleted}, {"Destroy", deleted},
	{"Create", created}, {"Run", created}, {"Allocate", created}, {"Put", created},
}

// on tells what e did to a resource of a type.
func (e Event) on(kind string) change {
	if e.Failed || len(e.Name) < 4 {
		return unchanged
	}
	if c, ok := tagEvents[e.Name]; ok {
		return c
	}
	for _, v := range verbs {
		// DeleteLoadBalancerListener names a load balancer, and does not delete it:
		// what comes after the verb has to be the type's own name.
		if what, ok := strings.CutPrefix(e.Name, v.verb); ok && isNoun(what, kind) {
			return v.does
		}
	}
	return unchanged
}

// isNoun tells whether what is the name of the type: DBInstance or Instances for
// ACS::RDS::DBInstance. A type's name may have a word before or after that calls
// leave out, as EipAddress for EIP.
func isNoun(what, kind string) bool {
	noun := kind[strings.LastIndexByte(kind, ':')+1:]
	return sameNoun(what, noun) || sameNoun(what, strings.TrimPrefix(noun, "DB")) || sameNoun(strings.TrimSuffix(what, "Address"), noun)
}

// sameNoun compares without case, one with many.
func sameNoun(what, noun string) bool {
	return noun != "" && (strings.EqualFold(what, noun) ||
		len(what) == len(noun)+1 && (what[len(what)-1] == 's') && strings.EqualFold(what[:len(noun)], noun) ||
		len(what) == len(noun)+2 && strings.HasSuffix(what, "es") && strings.EqualFold(what[:len(noun)], noun))
}
