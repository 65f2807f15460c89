package muleaudit

import (
	"context"
	"net/http"
	"time"

	"github.com/siemfeed/siemfeed/pkg/anypoint"
	"github.com/siemfeed/siemfeed/pkg/doctor"
)

// Doctor checks token, scope of each organisation, clock and buckets, and
// computes whether what a run has to ask fits into its budget and time. That
// state and output are apart was checked with the configuration.
func (f *Function) Doctor(ctx context.Context) []doctor.Check {
	checks := []doctor.Check{
		doctor.Passed("configuration", "state %s is apart from output %s", f.state.URL, f.output.URL),
		doctor.Clock(ctx, &http.Client{Timeout: 10 * time.Second}, f.cfg.BaseURL),
	}
	if err := f.api.Token(ctx); err != nil {
		// Without a token the questions after it would all fail alike.
		checks = append(checks, doctor.Failed("token", err, "set CLIENT_ID and CLIENT_SECRET to those of a connected app (client credentials) of this control plane"))
	} else {
		checks = append(checks, doctor.Passed("token", "%s grants one", f.cfg.BaseURL))
		checks = append(checks, f.scopes(ctx)...)
	}
	checks = append(checks, doctor.Output(ctx, "output", f.output)...)
	return append(checks, doctor.State(ctx, "state", f.state, "muleaudit"), doctor.State(ctx, "quarantine", f.held, "muleaudit"))
}

func (f *Function) scopes(ctx context.Context) []doctor.Check {
	var checks []doctor.Check
	orgs, err := f.organisations(ctx, request{})
	if err != nil {
		checks = append(checks, doctor.Failed("business groups", err, "grant the connected app the scope to view the organisation, or set MULE_INCLUDE_SUBORGS=false and list the groups in MULE_ORG_ID"))
	}
	s := schedule{orgs: len(orgs), pageSize: f.cfg.PageSize, rate: f.cfg.RatePerMin, timeout: f.cfg.RunTimeout, cut: err != nil}
	now := time.Now().UTC().Truncate(time.Millisecond)
	for _, org := range orgs {
		n, err := f.api.Total(ctx, anypoint.Query{Org: org, From: now.Add(-day), To: now})
		if err != nil {
			checks = append(checks, doctor.Failed("scope "+org, err, "grant the connected app Audit Log Viewer in this business group, and check MULE_ORG_ID and MULE_CONTROL_PLANE"))
			s.cut = true
			continue
		}
		s.events += n
		checks = append(checks, doctor.Passed("scope "+org, "%d events in the last 24 h", n))
	}
	if len(orgs) > 0 {
		checks = append(checks, s.check())
	}
	return checks
}
