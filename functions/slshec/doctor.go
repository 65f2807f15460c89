package slshec

import (
	"context"
	"strings"

	"github.com/siemfeed/siemfeed/pkg/doctor"
	"github.com/siemfeed/siemfeed/pkg/hec"
)

// Doctor checks clock, key, logstore, consumer group, HEC and buckets, without
// moving or sending anything.
func (f *Function) Doctor(ctx context.Context) []doctor.Check {
	x := doctor.New(f.cfg.RunTimeout)
	checks := []doctor.Check{
		doctor.Passed("configuration", "%s/%s, consumer group %s, to %s", f.cfg.Project, f.cfg.Logstore, f.cfg.Group, strings.Join(f.cfg.HECURLs, ", ")),
	}
	checks = append(checks, f.Consumer.Doctor(ctx, x)...)
	index, fixed := f.cfg.index()
	if !fixed {
		checks = append(checks, doctor.Passed("HEC index", "%s is filled for each log group: only events show whether the token may write to what comes of it", f.cfg.Index))
	}
	for _, find := range f.hec.Check(ctx, index, x.Patience()) {
		name := "HEC " + find.What + " at " + find.Endpoint
		if find.Status == hec.Failed {
			checks = append(checks, collector(find.Endpoint).Failed(name, find.Err))
			continue
		}
		checks = append(checks, doctor.Passed(name, "%s", find.Detail))
	}
	return checks
}

// collector is a receiver of events, as a check asks it.
func collector(endpoint string) doctor.Subject {
	return doctor.Subject{
		Asked: endpoint, Where: "HEC_URL", Name: "HEC_URL (scheme, host and port of HEC: 8088, or 443 on Splunk Cloud)",
		Credentials: "HEC_TOKEN", Grant: "writing to HEC_INDEX", CA: "HEC_CA_FILE",
	}
}
