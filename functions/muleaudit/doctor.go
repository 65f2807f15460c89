package muleaudit

import (
	"context"
	"fmt"
	"time"

	"github.com/siemfeed/siemfeed/pkg/anypoint"
	"github.com/siemfeed/siemfeed/pkg/doctor"
)

// Doctor checks token, scope of each organisation, clock and buckets, and
// computes whether what a run has to ask fits into its budget and time. That
// state and output are apart was checked with the configuration.
func (f *Function) Doctor(ctx context.Context) []doctor.Check {
	x := doctor.New(f.cfg.RunTimeout).With(minutes(2 / float64(f.cfg.RatePerMin))) // for its turn in the request budget
	token := f.plane()
	token.Name = "MULE_BASE_URL and MULE_CONTROL_PLANE"
	checks := []doctor.Check{
		doctor.Passed("configuration", "state %s is apart from output %s", f.state.URL, f.output.URL),
		x.Clock(ctx, f.plane(), f.cfg.BaseURL),
		x.Ask(ctx, token, "token", func(ctx context.Context) (string, error) {
			return f.cfg.BaseURL + " grants one", f.api.Token(ctx)
		}),
	}
	if checks[len(checks)-1].OK() { // else the questions after it would all fail alike
		checks = append(checks, f.scopes(ctx, x)...)
	}
	checks = append(checks, x.Output(ctx, "output", doctor.Bucket{Bucket: f.output, Variable: "OUTPUT_URL or GCS_BUCKET"})...)
	return append(checks, x.Kept(ctx, f.state, f.held, "muleaudit")...)
}

// plane is the control plane, as a check asks it.
func (f *Function) plane() doctor.Subject {
	return doctor.Subject{
		Asked: f.cfg.BaseURL, Where: "MULE_BASE_URL or MULE_CONTROL_PLANE",
		Credentials: "CLIENT_ID and CLIENT_SECRET (of a connected app of this control plane, with client credentials)",
	}
}

func (f *Function) scopes(ctx context.Context, x doctor.Examiner) (checks []doctor.Check) {
	groups := f.plane()
	groups.Name, groups.Grant = "MULE_ORG_ID", "the scope to view the organisation (or set MULE_INCLUDE_SUBORGS=false, and list the groups in MULE_ORG_ID)"
	var orgs []string
	c := x.Ask(ctx, groups, "business groups", func(ctx context.Context) (detail string, err error) {
		orgs, err = f.organisations(ctx, request{})
		return "", err
	})
	if !c.OK() {
		checks = append(checks, c)
	}
	s := schedule{orgs: len(orgs), pageSize: f.cfg.PageSize, rate: f.cfg.RatePerMin, timeout: f.cfg.RunTimeout, cut: !c.OK()}
	now := time.Now().UTC().Truncate(time.Millisecond)
	for _, org := range orgs {
		log := f.plane()
		log.Name, log.Grant = "MULE_ORG_ID", "Audit Log Viewer in the business group "+org
		c := x.Ask(ctx, log, "scope "+org, func(ctx context.Context) (string, error) {
			n, err := f.api.Total(ctx, anypoint.Query{Org: org, From: now.Add(-day), To: now})
			s.events += n
			return fmt.Sprintf("%d events in the last 24 h", n), err
		})
		s.cut = s.cut || !c.OK()
		checks = append(checks, c)
	}
	if len(orgs) > 0 {
		checks = append(checks, s.check())
	}
	return checks
}
