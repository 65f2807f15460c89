package trigger

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// object is a JSON object by its exact keys; encoding/json's structs would
// take a key in any letter case.
type object map[string]json.RawMessage

func parseObject(body []byte) (object, error) {
	var obj object
	if err := unmarshal("event", body, &obj); err != nil {
		return nil, err
	}
	if obj == nil { // the JSON value null
		return nil, refuse("event", "want a JSON object, not null")
	}
	return obj, nil
}

func (o object) has(keys ...string) bool {
	for _, k := range keys {
		if _, ok := o[k]; !ok {
			return false
		}
	}
	return true
}

// unmarshal decodes JSON of the named envelope, refusing what does not fit.
// The message tells where, not what: a body may hold what no log should.
func unmarshal(envelope string, data []byte, into any) error {
	err := json.Unmarshal(data, into)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	var base64Err base64.CorruptInputError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntax):
		return refuse(envelope, "broken JSON at byte %d of %d", syntax.Offset, len(data))
	case errors.As(err, &base64Err):
		return refuse(envelope, "data is not base64 from its byte %d on", int64(base64Err))
	case errors.As(err, &kind) && kind.Field == "":
		return refuse(envelope, "want a JSON object, not %s", article(kind.Value))
	case errors.As(err, &kind):
		return refuse(envelope, "%s cannot be %s", kind.Field, article(kind.Value))
	}
	return refuse(envelope, "unreadable JSON")
}

// describe lists o's keys for a message, cut to a readable length.
func (o object) describe() string {
	const most, longest = 8, 32
	keys := slices.Sorted(maps.Keys(o))
	rest := len(keys) - most
	keys = keys[:min(len(keys), most)]
	for i, k := range keys {
		keys[i] = fmt.Sprintf("%.*q", longest, k)
	}
	list := strings.Join(keys, ", ")
	if rest > 0 {
		list += fmt.Sprintf(" and %d more", rest)
	}
	if len(keys) == 1 {
		return "only the key " + list
	}
	return "the keys " + list
}

// article puts one before the name encoding/json has for a kind of value.
func article(kind string) string {
	kind, _, _ = strings.Cut(kind, " ") // "number 1.5": leave the value out
	if kind == "array" || kind == "object" {
		return "an " + kind
	}
	return "a " + kind
}
