package rollup

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"time"

	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// Receipt is the name of a receipt, within its day's folder, and the SHA-256 of
// its bytes, in hex.
type Receipt struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
}

// taken is what a day needs of a receipt.
type taken struct {
	Receipt
	// at and id are what its name tells, see [receipt.Name].
	at time.Time
	id string
	receiptFields
	// problem is what is wrong with it, if anything is; then fields may be empty.
	problem receipt.Finding
}

// receiptFields are those fields of a receipt that are summed up. They are
// decoded for each of a million, hence no more than that.
type receiptFields struct {
	Version     string         `json:"version"`
	Status      receipt.Status `json:"status"`
	In          int64          `json:"in"`
	Out         int64          `json:"out"`
	Filtered    int64          `json:"filtered"`
	Quarantined int64          `json:"quarantined"`
	// EventsOut is what was delivered, in the receipts of a function that makes
	// several records of one.
	EventsOut  *int64       `json:"events_out"`
	BytesIn    int64        `json:"bytes_in"`
	BytesOut   int64        `json:"bytes_out"`
	LagSeconds *float64     `json:"lag_seconds"`
	StartedAt  time.Time    `json:"started_at"`
	Error      string       `json:"error"`
	Code       receipt.Code `json:"code"`
	Follows    struct {
		Again bool `json:"again"`
	} `json:"follows"`
}

// take reads the receipt called key. What is not as it should be with it is told
// as its problem: one receipt that cannot be read holds up no other.
func take(key string, text []byte) taken {
	sum := sha256.Sum256(text)
	t := taken{Receipt: Receipt{Name: path.Base(key), SHA256: hex.EncodeToString(sum[:])}}
	if n, err := receipt.NameOf(key); err == nil { // one that is named otherwise has no hour
		t.at, t.id = n.At, n.ID
	}
	if err := json.Unmarshal(text, &t.receiptFields); err != nil {
		t.receiptFields = receiptFields{}
		t.problem = receipt.Finding{Kind: receipt.Unread, Where: key, Detail: fmt.Sprintf("it is no receipt: %v", err)}
		return t
	}
	if d := t.delivered(); t.In != d+t.Filtered+t.Quarantined {
		t.problem = receipt.Finding{
			Kind: receipt.Unbalanced, Where: key,
			Detail: fmt.Sprintf("in %d is not delivered %d + filtered %d + quarantined %d", t.In, d, t.Filtered, t.Quarantined),
		}
	}
	return t
}

// refused is a receipt that the store does not give out.
func refused(key string, err error) taken {
	return taken{Receipt: Receipt{Name: path.Base(key)}, problem: receipt.Finding{Kind: receipt.Unread, Where: key, Detail: err.Error()}}
}

func (f *receiptFields) delivered() int64 {
	if f.EventsOut != nil {
		return *f.EventsOut
	}
	return f.Out
}

func (t *taken) totals() Totals {
	n := Totals{
		Runs: 1, In: t.In, Out: t.Out, Delivered: t.delivered(), Filtered: t.Filtered, Quarantined: t.Quarantined,
		BytesIn: t.BytesIn, BytesOut: t.BytesOut,
	}
	switch t.Status {
	case receipt.Partial:
		n.Partial = 1
	case receipt.Busy:
		n.Busy = 1
	case receipt.Failed:
		n.Failed = 1
	case receipt.Running:
		n.Killed = 1
	}
	if t.problem.Kind == receipt.Unbalanced {
		n.Unbalanced = 1
	}
	return n
}
