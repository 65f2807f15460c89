package delivery

import (
	"time"

	"github.com/siemfeed/siemfeed/pkg/attest"
	"github.com/siemfeed/siemfeed/pkg/report"
	"github.com/siemfeed/siemfeed/pkg/rollup"
)

// PredicateType names what the predicate of a [Statement] says.
const PredicateType = "https://github.com/siemfeed/siemfeed/attestations/delivery/v1"

// Statement is what is said of deliveries.
type Statement struct {
	Type string `json:"_type"`
	// Subject are the days of the functions, <function>/receipts/YYYY/MM/DD.
	Subject       []attest.Subject `json:"subject"`
	PredicateType string           `json:"predicateType"`
	Predicate     Predicate        `json:"predicate"`
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
	s := Statement{Type: attest.StatementType, PredicateType: PredicateType, Subject: []attest.Subject{}, Predicate: Predicate{Made: made, Version: version}}
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
				s.Subject = append(s.Subject, attest.Subject{Name: folder(f.Name, d.Date), Digest: map[string]string{"sha256": d.Root}})
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
