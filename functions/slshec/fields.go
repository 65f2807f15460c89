package slshec

import (
	"fmt"
	"slices"
	"strings"
)

// indexed is a field that Splunk indexes with every event.
type indexed struct{ name, value string }

// spokenFor are names that every event's fields have already: those that say
// which log it was, and those that have variables of their own.
var spokenFor = []string{"sls_project", "sls_logstore", "sls_shard", "sls_id", "host", "source", "sourcetype", "index"}

// indexedFields reads a list of name=value. It returns those that are right,
// and what is wrong with the others.
func indexedFields(list []string) (fields []indexed, faults []error) {
	for _, item := range list {
		name, value, found := strings.Cut(item, "=")
		f := indexed{strings.TrimSpace(name), strings.TrimSpace(value)}
		switch {
		case !found || f.name == "" || f.value == "":
			faults = append(faults, fmt.Errorf("%q: want name=value", item))
		case f.name[0] == '_' || strings.ContainsFunc(f.name, notInName):
			faults = append(faults, fmt.Errorf("%q: want a name of letters, digits, and _ . : - within, not %q", item, f.name))
		case slices.Contains(spokenFor, f.name):
			faults = append(faults, fmt.Errorf("%q: every event has %s already", item, f.name))
		case slices.ContainsFunc(fields, func(o indexed) bool { return o.name == f.name }):
			faults = append(faults, fmt.Errorf("%q: %s occurs twice", item, f.name))
		case strings.ContainsAny(f.value, "{}"):
			faults = append(faults, fmt.Errorf("%q: every event gets the same value, without placeholders", item))
		default:
			fields = append(fields, f)
		}
	}
	return fields, faults
}

func notInName(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.:", r)
}
