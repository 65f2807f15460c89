package attest

import (
	"time"

	"github.com/siemfeed/siemfeed/pkg/report"
	"github.com/siemfeed/siemfeed/pkg/rollup"
)

const (
	// StatementType is what an in-toto statement says that it is.
	StatementType = "https://in-toto.io/Statement/v1"
	// PredicateType names what the predicate of a [Statement] says.
	PredicateType = "https://github.com/siemfeed/siemfeed/attestations/delivery/v1"
	payloadType   = "application/vnd.in-toto+json"
)

// Statement is what is attested of deliveries.
type Statement struct {
	Type          string    `json:"_type"`
	Subject       []Subject `json:"subject"`
	PredicateType string    `json:"predicateType"`
	Predicate     Predicate `json:"predicate"`
}

// Subject is what a statement is about: in a [Statement] a day of a function,
// <function>/receipts/YYYY/MM/DD.
type Subject struct {
	Name   string            `json:"name"`
	Digest map[string]string `json:"digest"`
}

// Predicate is what the functions did.
type Predicate struct {
	Made      time.Time  `json:"made"`
	Version   string     `json:"version"` // of siemfeed
	Functions []Function `json:"functions"`
}

// Function is what one function did, from From until, but not at, To.
type Function struct {
	Function    string           `json:"function"`
	From        time.Time        `json:"from"`
	To          time.Time        `json:"to"`
	In          int64            `json:"in"`
	Delivered   int64            `json:"delivered"`
	Out         int64            `json:"out"`
	Filtered    int64            `json:"filtered"`
	Quarantined int64            `json:"quarantined"`
	Runs        int              `json:"runs"`
	Failed      int              `json:"failed"`
	Unbalanced  int              `json:"unbalanced"`
	Days        []Day            `json:"days"`
	Findings    []report.Named   `json:"findings"`
	More        int64            `json:"findings_not_named"`
	Versions    []report.Version `json:"versions"`
}

// Day is what is known of a day, and the receipts that say so.
type Day struct {
	Date     string           `json:"date"`
	Verdict  report.Verdict   `json:"verdict"`
	Receipts []rollup.Receipt `json:"receipts,omitempty"`
}

// Of states what was gathered.
func Of(made time.Time, version string, functions []report.Function) Statement {
	s := Statement{Type: StatementType, PredicateType: PredicateType, Subject: []Subject{}, Predicate: Predicate{Made: made, Version: version}}
	for _, f := range functions {
		t := f.Totals
		one := Function{
			Function: f.Name, From: f.From, To: f.To,
			In: t.In, Delivered: t.Delivered, Out: t.Out, Filtered: t.Filtered, Quarantined: t.Quarantined,
			Runs: t.Runs, Failed: t.Failed, Unbalanced: t.Unbalanced,
			Findings: append([]report.Named{}, f.Findings...), More: f.MoreFindings, Versions: f.Versions,
		}
		for _, d := range f.Days {
			one.Days = append(one.Days, Day{d.Date.Format(time.DateOnly), d.Verdict, d.Receipts})
			if d.Root != "" {
				s.Subject = append(s.Subject, Subject{folder(f.Name, d.Date), map[string]string{"sha256": d.Root}})
			}
		}
		s.Predicate.Functions = append(s.Predicate.Functions, one)
	}
	return s
}

// folder is where the receipts of a day lie.
func folder(function string, day time.Time) string {
	return function + "/receipts/" + day.Format("2006/01/02")
}
