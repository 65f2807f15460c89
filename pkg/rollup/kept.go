package rollup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/version"
)

// Folder is where the roll-ups of function lie in STATE_URL, by day.
func Folder(function string) string { return function + "/rollup/" }

// key is where the roll-up of a day is kept. A later form has another name, so
// that two releases that read the same state do not undo each other's.
func key(function string, day time.Time) string {
	return Folder(function) + day.Format("2006/01/02/") + "v1.json"
}

// kept is a roll-up as it is kept.
type kept struct {
	// SHA256 is that of Day's bytes, in hex: one that was damaged does not pass
	// for another.
	SHA256 string          `json:"sha256"`
	Day    json.RawMessage `json:"rollup"`
}

// made is what a roll-up says.
type made struct {
	Function string `json:"function"`
	// Listed is the SHA-256, in hex, of the names and the versions of the
	// receipts that it is made of, as a list told them.
	Listed string    `json:"listed"`
	Made   time.Time `json:"made"`
	// Version is the release that made it.
	Version string `json:"version"`
	Day
}

// errNone says that no roll-up is kept that can be read.
var errNone = errors.New("no roll-up")

// load reads the roll-up of a day. The error is errNone if there is none, or
// none that is whole.
func load(ctx context.Context, state *bucket.Bucket, function string, day time.Time) (made, error) {
	text, err := state.ReadAll(ctx, key(function, day))
	switch {
	case bucket.IsNotFound(err), bucket.IsObjectRefused(err):
		return made{}, errNone
	case err != nil:
		return made{}, fmt.Errorf("read roll-up: %w", err)
	}
	var k kept
	if json.Unmarshal(text, &k) != nil || k.SHA256 != digest(k.Day) {
		return made{}, errNone
	}
	var m made
	if json.Unmarshal(k.Day, &m) != nil || m.Function != function || !m.Date.Equal(day) {
		return made{}, errNone
	}
	return m, nil
}

// save keeps the roll-up of a day.
func save(ctx context.Context, state *bucket.Bucket, function string, d Day) error {
	text, err := json.Marshal(made{Function: function, Listed: d.listed, Made: time.Now().UTC(), Version: version.String(), Day: d})
	if err != nil {
		return err
	}
	if err := state.PutJSON(ctx, key(function, d.Date), kept{SHA256: digest(text), Day: text}); err != nil {
		return fmt.Errorf("keep roll-up: %w", err)
	}
	return nil
}

func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
