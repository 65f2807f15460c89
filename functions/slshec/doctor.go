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
	checks := []doctor.Check{
		doctor.Passed("configuration", "%s/%s, consumer group %s, to %s", f.cfg.Project, f.cfg.Logstore, f.cfg.Group, strings.Join(f.cfg.HECURLs, ", ")),
	}
	checks = append(checks, f.Consumer.Doctor(ctx)...)
	index, fixed := f.cfg.index()
	if !fixed {
		checks = append(checks, doctor.Passed("HEC index", "%s is filled for each log group: only events show whether the token may write to what comes of it", f.cfg.Index))
	}
	for _, find := range f.hec.Check(ctx, index) {
		name := "HEC " + find.What + " at " + find.Endpoint
		if find.Status == hec.Failed {
			checks = append(checks, doctor.Failed(name, find.Err, "see the message; HEC_URL, HEC_TOKEN, HEC_INDEX and HEC_ACK are what it depends on"))
			continue
		}
		checks = append(checks, doctor.Passed(name, "%s", find.Detail))
	}
	return checks
}
