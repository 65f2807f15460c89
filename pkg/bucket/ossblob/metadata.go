package ossblob

import (
	"encoding/hex"
	"net/url"
	"strings"
	"unicode/utf8"
)

// encodeMetadata makes metadata fit into headers. OSS takes letters, digits and
// hyphens in a name (help/user-guide/0011-00000004), without telling case
// apart, and fewer characters in a value than a header may have (0011-00000005).
func encodeMetadata(in map[string]string) map[string]string {
	if len(in) == 0 {
		return nil
	}
	out := make(map[string]string, len(in))
	for name, value := range in {
		out[encodeName(name)] = url.PathEscape(value)
	}
	return out
}

// decodeMetadata reads what encodeMetadata wrote. What others wrote, who escape
// nothing, is given as it is.
func decodeMetadata(in map[string]string) map[string]string {
	if len(in) == 0 {
		return nil
	}
	out := make(map[string]string, len(in))
	for name, value := range in {
		if plain, err := url.PathUnescape(value); err == nil {
			value = plain
		}
		out[decodeName(strings.ToLower(name))] = value
	}
	return out
}

// mark begins a byte that is written as two hexadecimal digits.
const mark = "--"

// encodeName writes what a name cannot have as a mark and two digits, and so a
// hyphen before a hyphen, too.
func encodeName(name string) string {
	var out strings.Builder
	for i := range len(name) {
		c := name[i]
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-' && !strings.HasPrefix(name[i:], mark):
			out.WriteByte(c)
		default:
			out.WriteString(mark + hex.EncodeToString([]byte{c}))
		}
	}
	return out.String()
}

// decodeName reads what encodeName wrote.
func decodeName(name string) string {
	var out strings.Builder
	for i := 0; i < len(name); i++ {
		if strings.HasPrefix(name[i:], mark) && len(name) >= i+4 {
			if c, err := hex.DecodeString(name[i+2 : i+4]); err == nil {
				out.Write(c)
				i += 3
				continue
			}
		}
		out.WriteByte(name[i])
	}
	if plain := out.String(); utf8.ValidString(plain) {
		return plain
	}
	return name
}
