package trailtags

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/siemfeed/siemfeed/pkg/actiontrail"
	"github.com/siemfeed/siemfeed/pkg/alitags"
	"github.com/siemfeed/siemfeed/pkg/doctor"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// Doctor checks source, target and buckets, and asks for the tags of one resource
// in each account that the latest events are of. It moves and writes nothing.
func (f *Function) Doctor(ctx context.Context) []doctor.Check {
	checks := []doctor.Check{
		doctor.Passed("configuration", "%s/%s, consumer group %s, to %s/%s", f.cfg.Project, f.cfg.Logstore, f.cfg.Group, f.cfg.TargetProject, f.cfg.TargetLogstore),
	}
	checks = append(checks, f.Consumer.Doctor(ctx)...)
	checks = append(checks, f.doctorTarget(ctx)...)
	return append(checks, f.doctorTags(ctx)...)
}

func (f *Function) doctorTarget(ctx context.Context) []doctor.Check {
	where := "project/" + f.cfg.TargetProject + "/logstore/" + f.cfg.TargetLogstore
	shards, err := f.target.Shards(ctx)
	if err != nil {
		return []doctor.Check{doctor.Failed("target", err, "see the message; SLS_TARGET_PROJECT, SLS_TARGET_LOGSTORE and SLS_TARGET_ENDPOINT say where it is, and the key needs log:ListShards on "+where)}
	}
	checks := []doctor.Check{doctor.Passed("target", "%s/%s, %d shards", f.cfg.TargetProject, f.cfg.TargetLogstore, len(shards))}
	if err := f.target.MayWrite(ctx); err != nil {
		checks = append(checks, doctor.Failed("target write", err, "let the key write (log:PostLogStoreLogs on "+where+")"))
	} else {
		checks = append(checks, doctor.Passed("target write", "the key may write"))
	}
	return append(checks, f.doctorIndex(ctx))
}

// doctorIndex looks whether rows can be searched for by what they are made for.
func (f *Function) doctorIndex(ctx context.Context) doctor.Check {
	const what = "target index"
	index, err := f.target.Index(ctx)
	const fix = "create an index of the target with at least the fields eventName, userName, resourceName and tagStatus, and one for each tag you ask for"
	switch {
	case sls.IsCode(err, sls.CodeIndexConfigNotExist):
		return doctor.Failed(what, errors.New("the target has no index: what is written there cannot be searched for"), fix)
	case sls.IsConfig(err):
		return doctor.Passed(what, "unknown: the key may not look (log:GetIndex), which the function does not need")
	case err != nil:
		return doctor.Failed(what, err, "see the message")
	}
	var missing []string
	for _, field := range []string{"eventName", "userName", resourceName, tagStatus} {
		if !index.Keys[field] {
			missing = append(missing, field)
		}
	}
	tags := 0
	for key := range index.Keys {
		if strings.HasPrefix(key, f.cfg.TagPrefix) && !taken[key] {
			tags++
		}
	}
	switch {
	case len(missing) > 0:
		return doctor.Failed(what, fmt.Errorf("no field index of %s", strings.Join(missing, ", ")), fix)
	case tags == 0:
		return doctor.Failed(what, errors.New("no field index of any tag"), fix)
	}
	return doctor.Passed(what, "%d fields, %d of them tags", len(index.Keys), tags)
}

// doctorTags asks for the tags of one resource in each account.
func (f *Function) doctorTags(ctx context.Context) []doctor.Check {
	sample, err := f.sample(ctx)
	if err != nil {
		return []doctor.Check{doctor.Failed("accounts", err, "see the message")}
	}
	if len(sample) == 0 {
		return []doctor.Check{doctor.Passed("accounts", "the latest events name no resource whose tags can be looked up: nothing shows whether that works")}
	}
	var checks []doctor.Check
	for _, account := range slices.Sorted(maps.Keys(sample)) {
		checks = append(checks, f.doctorAccount(ctx, sample[account]))
	}
	return checks
}

func (f *Function) doctorAccount(ctx context.Context, r alitags.Resource) doctor.Check {
	what := "tags in account " + r.Account
	a, err := f.tags.Get(ctx, r, alitags.Event{})
	role := fmt.Sprintf("the role %s of account %s must trust account %s, and allow tag:ListTagResources, ecs:ListTagResources and slb:ListTagResources", f.cfg.Role, r.Account, f.cfg.AdminAccount)
	if r.Account == f.cfg.AdminAccount {
		role = "the key RESOURCE_AK_ID needs tag:ListTagResources, ecs:ListTagResources, slb:ListTagResources and sts:AssumeRole"
	}
	switch {
	case err != nil:
		return doctor.Failed(what, err, "check RESOURCE_AK_ID, RESOURCE_AK_KEY and this machine's clock, and that STS can be reached")
	case a.Status == alitags.Denied:
		return doctor.Failed(what, errors.New("denied"), role)
	case a.Status == alitags.Failed:
		return doctor.Failed(what, fmt.Errorf("no answer within %v", f.cfg.Budget), "check that the endpoints of STS, the Tag service, ECS and SLB can be reached from here")
	}
	return doctor.Passed(what, "%s %s: %s", r.Type, r.ID, a.Status)
}

// How far back and at how many events a sample looks.
const (
	sampleSpan   = 24 * time.Hour
	sampleEvents = 10_000
)

// sample finds a resource of each account in the latest events.
func (f *Function) sample(ctx context.Context) (map[string]alitags.Resource, error) {
	shards, err := f.Source().Shards(ctx)
	if err != nil {
		return nil, err
	}
	out := map[string]alitags.Resource{}
	var d actiontrail.Decoder
	for _, s := range shards {
		from, err := f.Source().CursorAt(ctx, s.ID, time.Now().Add(-sampleSpan))
		if err != nil {
			return nil, err
		}
		end, err := f.Source().Cursor(ctx, s.ID, sls.End)
		if err != nil {
			return nil, err
		}
		left := sampleEvents
		within, stop := context.WithCancel(ctx)
		err = eachLog(within, f.Source(), f.asRead(s.ID, from, end), func(_ *sls.Group, l *sls.Log) {
			if left--; left < 0 {
				stop()
				return
			}
			text, _ := eventOf(l.Contents)
			e, err := d.Decode(text)
			if err != nil || len(e.Resources) == 0 {
				return
			}
			r := alitags.Resource{Account: string(e.Account()), Region: string(e.Get(actiontrail.Region)), Type: string(e.Resources[0].Type), ID: string(e.Resources[0].Name)}
			if a, known := f.tags.Known(r, alitags.Event{}); known && a.Status == alitags.Unsupported {
				return
			}
			out[r.Account] = r
		})
		enough := within.Err() != nil && ctx.Err() == nil
		stop()
		if err != nil && !enough {
			return nil, cmp.Or(context.Cause(ctx), err)
		}
	}
	return out, nil
}
