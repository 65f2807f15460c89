package alibaba

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Account is an account and its resources. Its methods are those of a [Server],
// and as safe.
type Account struct {
	server *Server
	id     string
	trusts bool // its role lets itself be assumed

	resources map[string]*resource // by ARN, in small letters but for the id
	denied    map[string]bool      // actions such as tag:ListTagResources
	trouble   map[string]Trouble   // by service, "" for all
	calls     map[string][]time.Time
}

// resource is one that exists, or did.
type resource struct {
	name Resource
	tags map[string]tag
}

type tag struct{ value, category string }

// Resource names a resource.
type Resource struct {
	Region string // "" for a service that has none
	Type   string // as ActionTrail writes it: ACS::ECS::Instance
	ID     string
}

// Trouble is what goes wrong with calls for an account.
type Trouble struct {
	// Code is answered, with its usual status: Throttling, Throttling.User,
	// ServiceUnavailable, InternalError, NoPermission.
	Code string
	// Hang leaves calls without an answer.
	Hang bool
	// Body is answered with 200, whatever was asked.
	Body string
	// Delay is waited before each answer.
	Delay time.Duration
	// RetryAfter is said with Code.
	RetryAfter time.Duration
	// Until ends the trouble; zero does not.
	Until time.Time
}

// AddAccount adds an account, with its role. An account that is there is
// returned as it is.
func (s *Server) AddAccount(id string) *Account {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accounts[id]
	if a == nil {
		a = &Account{
			server: s, id: id, trusts: true, resources: map[string]*resource{}, denied: map[string]bool{},
			trouble: map[string]Trouble{}, calls: map[string][]time.Time{},
		}
		s.accounts[id] = a
	}
	return a
}

// ID returns the account's id.
func (a *Account) ID() string { return a.id }

func (a *Account) change(f func()) {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	f()
}

// Create makes a resource, with tags of the custom category.
func (a *Account) Create(r Resource, tags map[string]string) {
	a.change(func() {
		made := &resource{name: r, tags: map[string]tag{}}
		for k, v := range tags {
			made.tags[k] = tag{v, custom}
		}
		a.resources[a.arn(r)] = made
	})
}

// Tag sets tags of a resource that exists.
func (a *Account) Tag(r Resource, tags map[string]string) { a.set(r, tags, custom) }

// TagSystem sets tags of the system category.
func (a *Account) TagSystem(r Resource, tags map[string]string) { a.set(r, tags, system) }

func (a *Account) set(r Resource, tags map[string]string, category string) {
	a.change(func() {
		if there := a.resources[a.arn(r)]; there != nil {
			for k, v := range tags {
				there.tags[k] = tag{v, category}
			}
		}
	})
}

// Untag takes tags of a resource away; without keys all.
func (a *Account) Untag(r Resource, keys ...string) {
	a.change(func() {
		if there := a.resources[a.arn(r)]; there != nil {
			if keys == nil {
				keys = slices.Collect(maps.Keys(there.tags))
			}
			for _, k := range keys {
				delete(there.tags, k)
			}
		}
	})
}

// Delete ends a resource.
func (a *Account) Delete(r Resource) { a.change(func() { delete(a.resources, a.arn(r)) }) }

// Deny takes permissions away, by the names that RAM policies use:
// tag:ListTagResources, ecs:ListTagResources, slb:ListTagResources. With an id
// the permission is missing for that resource alone.
func (a *Account) Deny(action string, ids ...string) { a.permit(action, ids, true) }

// Allow gives them back.
func (a *Account) Allow(action string, ids ...string) { a.permit(action, ids, false) }

func (a *Account) permit(action string, ids []string, not bool) {
	a.change(func() {
		a.denied[action] = not && ids == nil
		for _, id := range ids {
			a.denied[action+" "+id] = not
		}
	})
}

// Trust says whether the account's role lets the management account assume it.
func (a *Account) Trust(yes bool) { a.change(func() { a.trusts = yes }) }

// Trouble has calls for the account go wrong, of a service (Tag, ECS, SLB, STS)
// or with "" of all; the zero value ends that.
func (a *Account) Trouble(service string, t Trouble) { a.change(func() { a.trouble[service] = t }) }

// troubled returns what is wrong with a call now.
func (a *Account) troubled(service string) (t Trouble) {
	for _, s := range []string{service, ""} {
		if t = a.trouble[s]; t != (Trouble{}) && (t.Until.IsZero() || time.Now().Before(t.Until)) {
			return t
		}
	}
	return Trouble{}
}

// arn is by what a resource is found.
func (a *Account) arn(r Resource) string {
	parts := strings.Split(strings.ToLower(r.Type), "::")
	if len(parts) != 3 {
		panic("type " + r.Type + ": want ACS::<product>::<type>") // a mistake of the test
	}
	return "arn:acs:" + parts[1] + ":" + r.Region + ":" + a.id + ":" + parts[2] + "/" + r.ID
}
