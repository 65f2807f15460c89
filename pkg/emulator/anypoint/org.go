package anypoint

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// org is one business group and its log.
type org struct {
	id, name, parent string
	children         []string

	mu        sync.RWMutex
	forbidden bool
	log       log
}

// AddOrg adds a business group below parent, or a root organisation when
// parent is empty. Adding it again changes nothing.
func (s *Server) AddOrg(id, parent string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addOrg(id, parent)
}

func (s *Server) addOrg(id, parent string) *org {
	if o := s.orgs[id]; o != nil {
		return o
	}
	o := &org{id: id, name: "Group " + id, parent: parent, log: &held{}}
	s.orgs[id] = o
	s.root = or(s.root, id)
	if parent != "" {
		p := s.addOrg(parent, "")
		p.children = append(p.children, id)
	}
	return o
}

func (s *Server) org(id string) *org {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.orgs[id]
}

// Forbid takes the Audit Log Viewer scope in an organisation away from the
// client, or gives it back.
func (s *Server) Forbid(id string, forbidden bool) {
	s.mu.Lock()
	o := s.addOrg(id, "")
	s.mu.Unlock()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.forbidden = forbidden
}

// Event is an entry of an audit log.
type Event struct {
	Time      time.Time // what queries compare, in ms; zero: taken from Raw's timestamp
	VisibleAt time.Time // queries before this moment do not find it; zero: at once
	Raw       []byte    // a JSON value, sent as it is
}

// Add adds events to an organisation's log, and the organisation if need be. At
// equal times they keep the order in which they were added. It fails when an
// event has neither a Time nor a timestamp, or the log is synthetic.
func (s *Server) Add(id string, events ...Event) error {
	s.mu.Lock()
	o := s.addOrg(id, "")
	s.mu.Unlock()
	o.mu.Lock()
	defer o.mu.Unlock()
	h, ok := o.log.(*held)
	if !ok {
		return fmt.Errorf("organisation %s has a synthetic log", id)
	}
	more, err := h.with(events)
	if err == nil {
		o.log = more
	}
	return err
}

// AddRaw adds events that carry a timestamp.
func (s *Server) AddRaw(id string, raw ...[]byte) error {
	events := make([]Event, len(raw))
	for i := range raw {
		events[i].Raw = raw[i]
	}
	return s.Add(id, events...)
}

// Synthetic makes up a log: N events, evenly from From on and before To, each
// a function of Seed and its index.
type Synthetic struct {
	Seed     uint64
	N        int
	From, To time.Time
}

// AddSynthetic gives an organisation a log that takes no memory.
func (s *Server) AddSynthetic(id string, y Synthetic) {
	s.mu.Lock()
	o := s.addOrg(id, "")
	s.mu.Unlock()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.log = newSynth(id, y)
}

// tree is the answer of the hierarchy endpoint.
type tree struct {
	ID     string  `json:"id"`
	Name   string  `json:"name"`
	IsRoot bool    `json:"isRoot"`
	Parent *string `json:"parentId,omitempty"`
	Subs   []tree  `json:"subOrganizations"`
}

func (s *Server) tree(o *org) tree {
	t := tree{ID: o.id, Name: o.name, IsRoot: o.parent == "", Subs: []tree{}}
	if o.parent != "" {
		t.Parent = &o.parent
	}
	for _, id := range o.children {
		t.Subs = append(t.Subs, s.tree(s.orgs[id]))
	}
	return t
}

// hierarchy is GET /accounts/api/organizations/{org}/hierarchy.
func (s *Server) hierarchy(w http.ResponseWriter, r *http.Request) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	o := s.orgs[r.PathValue("org")]
	if o == nil {
		problem(w, http.StatusNotFound, "Organization not found")
		return
	}
	reply(w, http.StatusOK, s.tree(o))
}

// me is GET /accounts/api/me.
func (s *Server) me(w http.ResponseWriter, _ *http.Request) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	organization := map[string]any{"id": s.root, "isRoot": true}
	reply(w, http.StatusOK, map[string]any{
		"user": map[string]any{"id": s.opts.ClientID, "organization": organization},
	})
}

// platforms is GET /audit/v2/organizations/{org}/platforms.
func (s *Server) platforms(w http.ResponseWriter, r *http.Request) {
	if s.org(r.PathValue("org")) == nil {
		problem(w, http.StatusNotFound, "Organization not found")
		return
	}
	reply(w, http.StatusOK, slices.Clone(platforms))
}
