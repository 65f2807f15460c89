package report

import "time"

// Verdict says what is known of a day.
type Verdict string

// What can be known of a day, the worst first.
const (
	Gap      Verdict = "gap"           // a proof or a receipt names something wrong
	Unseen   Verdict = "not looked at" // no proof covers the whole day, or no receipt of it is kept
	Late     Verdict = "late"          // all arrived, but runs failed, or were behind for more than lateAfter
	Complete Verdict = "complete"      // all arrived
)

// settles is how long before a run what it carries may have happened: a proof
// leaves what is newer to the next.
const settles = time.Hour

// lateAfter is the lag from which on a day was late, in seconds. A proof looks at
// what is settled, an hour and more later.
const lateAfter = 3600

// judge gives every day its verdict, from the last of the proofs that cover all
// of it: of a day that is not over, what had settled when its last run began.
// proofs are in the order of their times.
func judge(days []Day, proofs []Proof, now time.Time) {
	for i := range days {
		d := &days[i]
		end := d.Date.AddDate(0, 0, 1)
		if d.Open = now.Before(end); d.Open {
			end = d.LastRun.Add(-settles)
		}
		for n := len(proofs) - 1; n >= 0 && d.Proof == nil; n-- {
			p := &proofs[n]
			if p.Damaged == nil && p.Incomplete == "" && !p.From.After(d.Date) && !p.To.Before(end) {
				d.Proof = p
			}
		}
		switch {
		case len(d.Findings) > 0 || d.Proof != nil && d.Proof.Findings > 0:
			d.Verdict = Gap
		case d.Proof == nil || d.Runs == 0:
			d.Verdict = Unseen
		case d.Failed > 0 || d.MostLag != nil && *d.MostLag > lateAfter:
			d.Verdict = Late
		default:
			d.Verdict = Complete
		}
	}
}
