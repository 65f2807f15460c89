package actiontrail

import "strings"

// Change is what an event does to the resources that it names, as far as their
// tags are concerned.
type Change int

// The changes.
const (
	NoChange Change = iota
	Deletes         // they are gone after it
	Tags            // they have other tags after it
	Untags          // they have fewer tags after it
)

// Change classifies the event by its name. One that failed changes nothing.
//
// Tagging has names of its own in some services (PutBucketTagging, AddTags), and
// so has deleting (ReleaseEipAddress). There is no list of them, so what these
// names have in common counts: a resource that is looked up once more than need
// be costs a part of one call.
func (e *Event) Change() Change {
	if len(e.fields[ErrorCode]) > 0 {
		return NoChange
	}
	name := string(e.fields[Name])
	if tagging := strings.Contains(name, "Tag") || strings.HasPrefix(name, "Untag"); tagging {
		for _, verb := range []string{"Tag", "Add", "Put", "Create", "Set", "Attach", "Update", "Modify"} {
			if strings.HasPrefix(name, verb) {
				return Tags
			}
		}
		for _, verb := range []string{"Untag", "UnTag", "Remove", "Delete", "Detach", "Unset"} {
			if strings.HasPrefix(name, verb) {
				return Untags
			}
		}
		return NoChange
	}
	for _, verb := range []string{"Delete", "Release", "Destroy", "Terminate"} {
		if strings.HasPrefix(name, verb) {
			return Deletes
		}
	}
	return NoChange
}
