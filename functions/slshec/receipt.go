package slshec

import (
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/sls/consume"
)

// Receipt is that of any consumer, with what Splunk and its events add.
type Receipt struct {
	consume.Receipt
	// InvalidUTF8 counts the bytes that became U+FFFD.
	InvalidUTF8 int64 `json:"invalid_utf8"`
	// NotJSON counts the values that HEC_JSON_KEYS means and that stayed strings,
	// because they are no JSON object or array.
	NotJSON int64 `json:"not_json"`
	// Unpacked are the receivers that refused a body compressed and took it plain,
	// so that everything went there plain from then on.
	Unpacked []string `json:"hec_unpacked,omitempty"`
}

// What the sink counts of a page besides.
const (
	invalidUTF8 = "invalid_utf8"
	notJSON     = "not_json"
)

// complete makes a receipt of what the consumer has to say, and the sink.
func complete(r consume.Receipt, s consume.Sink) receipt.Receipt {
	full := &Receipt{Receipt: r, InvalidUTF8: r.More[invalidUTF8], NotJSON: r.More[notJSON]}
	if s, ok := s.(*sink); ok {
		full.Unpacked = s.session.Unpacked()
	}
	return full
}
