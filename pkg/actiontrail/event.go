package actiontrail

import "bytes"

// Field is one of the fields of an event that are read.
type Field int

// The fields. Those from AccountID on lie in userIdentity.
const (
	ID Field = iota
	Name
	RW
	Source
	Time
	Type
	Region
	Service
	ResourceType
	ResourceName
	RecipientAccountID
	ErrorCode
	AccountID
	PrincipalID
	UserName
	UserType
	AccessKeyID

	fieldCount
)

// Event is one event. Its texts are valid UTF-8, each byte that was not being
// U+FFFD. They lie in the [Decoder] that read the event, until it reads the next.
type Event struct {
	fields [fieldCount][]byte
	// Resources are what the event names, in its order.
	Resources []Resource
}

// Resource is something that an event names.
type Resource struct {
	Type []byte // such as ACS::ECS::Instance; empty where the event does not say
	Name []byte // its id, as a rule
	// Account and Region are where it is; empty where the event's own are.
	Account, Region []byte
	// Own tells that the type is what the product's own API, or an ARN, calls it:
	// ACS::Ecs::instance.
	Own bool
}

// Get returns a field, empty where the event has none.
func (e *Event) Get(f Field) []byte { return e.fields[f] }

// Account returns the account that the event's resources are in: the one that
// received the event, else the one that acted.
func (e *Event) Account() []byte {
	if id := e.fields[RecipientAccountID]; len(id) > 0 {
		return id
	}
	return e.fields[AccountID]
}

// IsRead tells whether the event says that it changes nothing. One that does not
// say may have: eventRW is younger than ActionTrail, and samples of 2020 lack it.
func (e *Event) IsRead() bool { return bytes.EqualFold(e.fields[RW], []byte("Read")) }
