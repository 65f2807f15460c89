package slshec

import (
	"bytes"
	"strings"

	"github.com/siemfeed/siemfeed/pkg/hec"
)

// embedding says what a key's value becomes.
type embedding uint8

const (
	asString embedding = iota
	asJSON             // if it is an object or array, and counted if not
	ifJSON             // likewise, but counted only if it begins like one
)

// jsonKeys tells of each key what HEC_JSON_KEYS makes of its value. nil makes
// strings of all.
type jsonKeys map[string]embedding

// everyKey stands in HEC_JSON_KEYS for the keys that are not named.
const everyKey = "*"

func newJSONKeys(names []string) jsonKeys {
	if len(names) == 0 {
		return nil
	}
	k := jsonKeys{}
	for _, name := range names {
		k[strings.TrimSpace(name)] = asJSON
	}
	if k[everyKey] != asString {
		k[everyKey] = ifJSON
	}
	return k
}

func (k jsonKeys) of(key []byte) embedding {
	if k == nil {
		return asString
	}
	if e, named := k[string(key)]; named {
		return e
	}
	return k[everyKey]
}

// embedded writes a value as JSON, or as a string if it is none.
func (m *mapper) embedded(dst, value []byte, e embedding) []byte {
	out, invalid, ok := hec.AppendJSON(dst, value)
	if ok {
		m.invalid += invalid
		return out
	}
	if e == asJSON || opens(value) {
		m.notJSON++
	}
	return m.text(dst, value)
}

// opens tells whether a value begins like an object or array.
func opens(value []byte) bool {
	value = bytes.TrimLeft(value, " \t\r\n")
	return len(value) > 0 && (value[0] == '{' || value[0] == '[')
}
