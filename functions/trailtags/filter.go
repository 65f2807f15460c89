package trailtags

import (
	"bytes"
	"strings"

	"github.com/siemfeed/siemfeed/pkg/actiontrail"
	"github.com/siemfeed/siemfeed/pkg/alitags"
)

// filter tells which events go no further.
type filter struct {
	onlyWrites bool
	services   [][]byte // nil keeps all
	key        string   // id of the key that looks tags up
	session    string   // how a role's session of the function's own ends
}

func newFilter(c *Config) filter {
	f := filter{onlyWrites: c.OnlyWrites, key: c.ResourceID, session: ":" + alitags.SessionName}
	for _, s := range c.Services {
		if s = strings.TrimSpace(s); s != "" {
			f.services = append(f.services, []byte(s))
		}
	}
	return f
}

// drops returns what an event that goes no further is counted as.
func (f *filter) drops(e *actiontrail.Event) (counter, bool) {
	switch {
	case f.own(e):
		return ownCalls, true
	case f.onlyWrites && e.IsRead():
		return reads, true
	case !f.serves(e.Get(actiontrail.Service)):
		return otherServices, true
	}
	return 0, false
}

func (f *filter) serves(service []byte) bool {
	if f.services == nil {
		return true
	}
	for _, s := range f.services {
		if bytes.EqualFold(s, service) {
			return true
		}
	}
	return false
}

// own tells whether the event is a lookup of the function's own: events of those
// would make events, for ever. Whoever calls a session like the function's own, or
// has got hold of its key, shall not be hidden by that: only the calls that the
// function makes are dropped.
func (f *filter) own(e *actiontrail.Event) bool {
	switch string(e.Get(actiontrail.Name)) {
	case "ListTagResources", "AssumeRole", "GetCallerIdentity":
	default:
		return false
	}
	return string(e.Get(actiontrail.AccessKeyID)) == f.key ||
		string(e.Get(actiontrail.UserType)) == "assumed-role" &&
			(bytes.HasSuffix(e.Get(actiontrail.PrincipalID), []byte(f.session)) || bytes.HasSuffix(e.Get(actiontrail.UserName), []byte(f.session)))
}
