package rollup

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// Day is what the receipts say that lie in the folder of one day, in UTC.
type Day struct {
	Date time.Time `json:"date"`
	Totals
	// LastRun is when the last of the runs began; zero without a run.
	LastRun time.Time `json:"last_run"`
	// MostLag is the longest lag that a run ended with, in seconds; nil where
	// none said.
	MostLag *float64 `json:"most_lag_seconds"`
	// Hours are those that have a run, in order.
	Hours []Hour `json:"hours"`
	// Versions counts the runs by release.
	Versions map[string]int `json:"versions"`
	// Failures are what runs failed for, by code.
	Failures []Failure `json:"failures"`
	// Findings are what is wrong with receipts, the first of them; MoreFindings
	// counts the others.
	Findings     []receipt.Finding `json:"findings"`
	MoreFindings int64             `json:"findings_not_named"`
	// Root is the SHA-256, in hex, of what `sha256sum *` prints in the folder
	// that holds the day's receipts; empty without one.
	Root string `json:"root"`
	// Receipts are the day's, by name: all where each was asked for, else
	// only if they are few.
	Receipts []Receipt `json:"receipts"`

	// LastSaved is when the last of them was saved, by the store's clock.
	LastSaved time.Time `json:"-"`
	// RolledUp tells that its receipts were not read again, since a list names
	// the same versions of them as when they were.
	RolledUp bool `json:"-"`

	each    bool
	root    hash.Hash
	listed  string           // what a list told of the receipts, see made
	running map[string]taken // receipts of runs that had not ended, by id
}

// Hour is what the receipts say whose names are of one hour of the day.
type Hour struct {
	Hour      int      `json:"hour"` // 0 to 23
	Runs      int      `json:"runs"`
	Delivered int64    `json:"delivered"`
	MostLag   *float64 `json:"most_lag_seconds"`
}

// Failure is what runs failed for.
type Failure struct {
	Code receipt.Code `json:"code"`
	Runs int          `json:"runs"`
	// Last is the name of the receipt of the last one, Error what it says.
	Last  string `json:"last"`
	Error string `json:"error"`
}

// What a day holds does not grow with its receipts, whatever is in them.
const (
	few          = 100 // receipts that are listed
	mostFindings = 20
	mostWords    = 50  // codes or versions
	mostText     = 400 // bytes of an error
	otherWord    = "other"
)

// add takes in a receipt. The receipts of a day have to be added in the order of
// their names.
func (d *Day) add(t taken) {
	switch {
	case t.Status == receipt.Running && t.id != "":
		if d.running == nil {
			d.running = map[string]taken{}
		}
		d.running[t.id] = t // counts if no other is kept of the run
	case !t.Follows.Again:
		d.count(t)
	}
	if d.root == nil {
		d.root = sha256.New()
	}
	_, _ = fmt.Fprintf(d.root, "%s  %s\n", t.SHA256, t.Name) // a hash takes all
	if d.each || len(d.Receipts) <= few {
		d.Receipts = append(d.Receipts, t.Receipt)
	}
}

// count adds up what a receipt says.
func (d *Day) count(t taken) {
	n := t.totals()
	d.Totals.Add(n)
	if t.StartedAt.After(d.LastRun) {
		d.LastRun = t.StartedAt.UTC()
	}
	d.MostLag = longer(d.MostLag, t.LagSeconds)
	if !t.at.IsZero() {
		i, there := slices.BinarySearchFunc(d.Hours, t.at.Hour(), func(h Hour, hour int) int { return h.Hour - hour })
		if !there {
			d.Hours = slices.Insert(d.Hours, i, Hour{Hour: t.at.Hour()})
		}
		h := &d.Hours[i]
		h.Runs++
		h.Delivered += n.Delivered
		h.MostLag = longer(h.MostLag, t.LagSeconds)
	}
	if d.Versions == nil {
		d.Versions = map[string]int{}
	}
	version := cut(t.Version, mostText/4)
	if _, ok := d.Versions[version]; !ok && len(d.Versions) >= mostWords {
		version = otherWord
	}
	d.Versions[version]++
	if t.Status == receipt.Failed {
		d.fail(t)
	}
	if t.problem.Kind != "" {
		d.Find(t.problem)
	}
}

// fail notes what a run failed for.
func (d *Day) fail(t taken) {
	code := receipt.Code(cut(string(t.Code), mostText/4))
	at := func(code receipt.Code) int {
		return slices.IndexFunc(d.Failures, func(f Failure) bool { return f.Code == code })
	}
	i := at(code)
	if i < 0 && len(d.Failures) >= mostWords {
		code = otherWord
		i = at(code)
	}
	if i < 0 {
		i = len(d.Failures)
		d.Failures = append(d.Failures, Failure{Code: code})
	}
	f := &d.Failures[i]
	f.Runs++
	f.Last, f.Error = t.Name, cut(t.Error, mostText)
}

// Find adds what is found of one of the receipts.
func (d *Day) Find(f receipt.Finding) {
	if len(d.Findings) >= mostFindings {
		d.MoreFindings++
		return
	}
	f.Detail = cut(f.Detail, mostText)
	d.Findings = append(d.Findings, f)
}

// close ends the day, of which every receipt was added.
func (d *Day) close() {
	for _, id := range slices.Sorted(maps.Keys(d.running)) {
		d.count(d.running[id])
	}
	d.running = nil
	if d.root != nil {
		d.Root = hex.EncodeToString(d.root.Sum(nil))
		d.root = nil
	}
	if !d.each && len(d.Receipts) > few {
		d.Receipts = nil
	}
}

// longer is the longer of two lags, either of which may not be known.
func longer(a, b *float64) *float64 {
	if a == nil || b != nil && *b > *a {
		return b
	}
	return a
}

// cut shortens a text of somebody else's.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
