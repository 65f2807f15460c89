package actiontrail

import (
	"bytes"
	"errors"

	"github.com/siemfeed/siemfeed/pkg/jsonscan"
)

// ErrNotObject is the error of text that is not one JSON object.
var ErrNotObject = errors.New("actiontrail: the event is not a JSON object")

// maxNesting is that of encoding/json.
const maxNesting = 10000

// Decoder reads events, one at a time. It walks the text itself because
// encoding/json takes four times as long and 33 allocations for an event of
// 1 KB (6 µs; this 1.5): a core is to have 20 µs for all there is to do with
// one. The zero value is ready.
type Decoder struct {
	text  jsonscan.Text
	more  []byte // texts that are not in the JSON as they are
	named []Resource
	event Event
	// Where the parameters of the request begin, as an object and as its text; 0
	// where there are none.
	parameters, parametersText int
}

// Decode reads one event. The text is copied: the event stays as it is until the
// next call, whatever becomes of the text. The error is [ErrNotObject].
func (d *Decoder) Decode(text []byte) (*Event, error) {
	e := &d.event
	*e = Event{Resources: e.Resources[:0]}
	d.more, d.named = d.more[:0], d.named[:0]
	d.parameters, d.parametersText = 0, 0
	d.text = jsonscan.Text{B: append(append(d.text.B[:0], text...), make([]byte, jsonscan.Pad)...), MaxNesting: maxNesting}
	i := d.text.Space(0)
	if d.text.B[i] != '{' {
		return nil, ErrNotObject
	}
	if i = d.object(i, 1, topLevel); i < 0 || d.text.Space(i) != len(text) {
		return nil, ErrNotObject
	}
	e.Resources = d.resources(e.Resources)
	return e, nil
}

// member says what is to be done with the member of an object, whose value
// begins at i; it returns the position behind it, or -1.
type member func(d *Decoder, key []byte, i int) int

// object reads the members of the object that begins at i.
func (d *Decoder) object(i, depth int, each member) int {
	v := &d.text
	if i = v.Space(i + 1); v.B[i] == '}' {
		return i + 1
	}
	for {
		if v.B[i] != '"' {
			return -1
		}
		end := v.String(i + 1)
		if end < 0 {
			return -1
		}
		key := d.plain(v.B[i+1 : end-1])
		if i = v.Space(end); v.B[i] != ':' {
			return -1
		}
		i = v.Space(i + 1)
		if next := each(d, key, i); next == 0 {
			i = v.Value(i, depth+1)
		} else {
			i = next
		}
		if i < 0 {
			return -1
		}
		switch i = v.Space(i); v.B[i] {
		case ',':
			i = v.Space(i + 1)
		case '}':
			return i + 1
		default:
			return -1
		}
	}
}

// topLevel takes the members of an event; 0 leaves one to the scanner.
func topLevel(d *Decoder, key []byte, i int) int {
	switch string(key) {
	case "eventId":
		return d.scalar(ID, i, 2)
	case "eventName":
		return d.scalar(Name, i, 2)
	case "eventRW":
		return d.scalar(RW, i, 2)
	case "eventSource":
		return d.scalar(Source, i, 2)
	case "eventTime":
		return d.scalar(Time, i, 2)
	case "eventType":
		return d.scalar(Type, i, 2)
	case "acsRegion":
		return d.scalar(Region, i, 2)
	case "serviceName":
		return d.scalar(Service, i, 2)
	case "resourceType":
		return d.scalar(ResourceType, i, 2)
	case "resourceName":
		return d.scalar(ResourceName, i, 2)
	case "recipientAccountId":
		return d.scalar(RecipientAccountID, i, 2)
	case "errorCode":
		return d.scalar(ErrorCode, i, 2)
	case "requestParameters":
		d.parameters = i // stepped over, until somebody needs them
	case "requestParameterJson":
		d.parametersText = i
	case "userIdentity":
		clear(d.event.fields[AccountID:]) // of a name that occurs twice the last counts
		if d.text.B[i] == '{' {
			return d.object(i, 2, userIdentity)
		}
	case "referencedResources":
		d.named = d.named[:0]
		if d.text.B[i] == '{' {
			return d.object(i, 2, referenced)
		}
	}
	return 0
}

func userIdentity(d *Decoder, key []byte, i int) int {
	switch string(key) {
	case "accountId":
		return d.scalar(AccountID, i, 3)
	case "principalId":
		return d.scalar(PrincipalID, i, 3)
	case "userName":
		return d.scalar(UserName, i, 3)
	case "type":
		return d.scalar(UserType, i, 3)
	case "accessKeyId":
		return d.scalar(AccessKeyID, i, 3)
	}
	return 0
}

// referenced takes the names of one type: a list, or a single one.
func referenced(d *Decoder, kind []byte, i int) int {
	v := &d.text
	if v.B[i] != '[' {
		name, next := d.scalarText(i, 3)
		d.name(kind, name)
		return next
	}
	if i = v.Space(i + 1); v.B[i] == ']' {
		return i + 1
	}
	for {
		name, next := d.scalarText(i, 4)
		if next < 0 {
			return -1
		}
		d.name(kind, name)
		switch i = v.Space(next); v.B[i] {
		case ',':
			i = v.Space(i + 1)
		case ']':
			return i + 1
		default:
			return -1
		}
	}
}

func (d *Decoder) name(kind, name []byte) {
	if name = bytes.TrimSpace(name); len(name) > 0 {
		d.named = append(d.named, Resource{Type: bytes.TrimSpace(kind), Name: name})
	}
}

// scalar reads a field's value.
func (d *Decoder) scalar(f Field, i, depth int) int {
	text, next := d.scalarText(i, depth)
	d.event.fields[f] = text
	return next
}

// scalarText reads the value that begins at i, and returns its text: nothing of
// null, an object or an array.
func (d *Decoder) scalarText(i, depth int) (text []byte, next int) {
	if next = d.text.Value(i, depth); next < 0 {
		return nil, -1
	}
	switch d.text.B[i] {
	case '"':
		return d.plain(d.text.B[i+1 : next-1]), next
	case '{', '[', 'n':
		return nil, next
	}
	return d.text.B[i:next:next], next
}
