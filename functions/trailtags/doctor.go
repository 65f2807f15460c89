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
	"github.com/siemfeed/siemfeed/pkg/cause"
	"github.com/siemfeed/siemfeed/pkg/doctor"
	"github.com/siemfeed/siemfeed/pkg/sls"
	"github.com/siemfeed/siemfeed/pkg/sls/consume"
)

// Doctor checks source, target and buckets, and asks for the tags of one resource
// in each account that the latest events are of. It moves and writes nothing.
func (f *Function) Doctor(ctx context.Context) []doctor.Check {
	x := doctor.New(f.cfg.RunTimeout)
	checks := []doctor.Check{
		doctor.Passed("configuration", "%s/%s, consumer group %s, to %s/%s", f.cfg.Project, f.cfg.Logstore, f.cfg.Group, f.cfg.TargetProject, f.cfg.TargetLogstore),
	}
	checks = append(checks, f.Consumer.Doctor(ctx, x)...)
	checks = append(checks, f.doctorTarget(ctx, x)...)
	return append(checks, f.doctorTags(ctx, x)...)
}

// to is the target, as a check asks it that needs the permission action.
func (f *Function) to(action string) doctor.Subject {
	return consume.Subject(action, "project/"+f.cfg.TargetProject+"/logstore/"+f.cfg.TargetLogstore,
		"SLS_TARGET_PROJECT and SLS_TARGET_LOGSTORE", "SLS_TARGET_ENDPOINT", cmp.Or(f.cfg.TargetEndpoint, f.cfg.Endpoint))
}

func (f *Function) doctorTarget(ctx context.Context, x doctor.Examiner) []doctor.Check {
	there := x.Ask(ctx, f.to("log:ListShards"), "target", func(ctx context.Context) (string, error) {
		shards, err := f.target.Shards(ctx)
		return fmt.Sprintf("%s/%s, %d shards", f.cfg.TargetProject, f.cfg.TargetLogstore, len(shards)), err
	})
	if !there.OK() {
		return []doctor.Check{there}
	}
	write := x.Ask(ctx, f.to("log:PostLogStoreLogs"), "target write", func(ctx context.Context) (string, error) {
		return "the key may write", consume.Known(f.target.MayWrite(ctx))
	})
	return []doctor.Check{there, write, f.doctorIndex(ctx, x)}
}

// doctorIndex looks whether rows can be searched for by what they are made for.
func (f *Function) doctorIndex(ctx context.Context, x doctor.Examiner) doctor.Check {
	const what = "target index"
	const fix = "create an index of the target with at least the fields eventName, userName, resourceName and tagStatus, and one for each tag you ask for"
	var index sls.Index
	asked := x.Ask(ctx, f.to("log:GetIndex"), what, func(ctx context.Context) (detail string, err error) {
		index, err = f.target.Index(ctx)
		return "", err
	})
	switch {
	case sls.IsCode(asked.Problem, sls.CodeIndexConfigNotExist):
		return doctor.Failed(what, cause.Incomplete, errors.New("the target has no index: what is written there cannot be searched for"), fix)
	case sls.IsConfig(asked.Problem):
		return doctor.Passed(what, "unknown: the key may not look (log:GetIndex), which the function does not need")
	case !asked.OK():
		return asked
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
		return doctor.Failed(what, cause.Incomplete, fmt.Errorf("no field index of %s", strings.Join(missing, ", ")), fix)
	case tags == 0:
		return doctor.Failed(what, cause.Incomplete, errors.New("no field index of any tag"), fix)
	}
	return doctor.Passed(what, "%d fields, %d of them tags", len(index.Keys), tags)
}

// doctorTags asks for the tags of one resource in each account.
func (f *Function) doctorTags(ctx context.Context, x doctor.Examiner) []doctor.Check {
	var sample map[string]alitags.Resource
	found := x.Ask(ctx, f.from(), "accounts", func(ctx context.Context) (detail string, err error) {
		sample, err = f.sample(ctx)
		return "the latest events name no resource whose tags can be looked up: nothing shows whether that works", err
	})
	if !found.OK() || len(sample) == 0 {
		return []doctor.Check{found}
	}
	checks := f.doctorKey(ctx)
	for _, account := range slices.Sorted(maps.Keys(sample)) {
		checks = append(checks, f.doctorAccount(ctx, x, sample[account]))
	}
	return checks
}

// doctorKey looks whether the key is of the account that it is said to be of: else
// the resources of both are asked about in the wrong way. That nobody can be asked
// the accounts' own checks say.
func (f *Function) doctorKey(ctx context.Context) []doctor.Check {
	account, err := f.tags.KeyAccount(ctx)
	if err != nil || account == f.cfg.AdminAccount {
		return nil
	}
	return []doctor.Check{doctor.Failed("key of tag lookups", cause.Misconfigured,
		fmt.Errorf("RESOURCE_AK_ID is a key of account %s, not of %s", account, f.cfg.AdminAccount),
		"set ADMIN_ACCOUNT_ID to the account of the key, or RESOURCE_AK_ID and RESOURCE_AK_KEY to a key of the management account")}
}

// from is the source, as a check asks it for events.
func (f *Function) from() doctor.Subject {
	return consume.Subject("log:GetCursorOrData", "project/"+f.cfg.Project+"/logstore/"+f.cfg.Logstore,
		"SLS_PROJECT and SLS_LOGSTORE", "SLS_ENDPOINT", f.cfg.Endpoint)
}

// account is who answers for an account, as a check asks it.
func (f *Function) account(id string) doctor.Subject {
	const lookups = "tag:ListTagResources, ecs:ListTagResources and slb:ListTagResources"
	s := doctor.Subject{
		Asked: "STS, the Tag service, ECS and SLB", Where: "STS_ENDPOINT, TAG_ENDPOINT, ECS_ENDPOINT and SLB_ENDPOINT",
		Credentials: "RESOURCE_AK_ID and RESOURCE_AK_KEY", Name: "ROLE_NAME",
		Grant: lookups + " and sts:AssumeRole",
	}
	if id != f.cfg.AdminAccount {
		s.Grant = lookups
		s.Grantee = fmt.Sprintf("the role %s (ROLE_NAME) of account %s, which must trust account %s", f.cfg.Role, id, f.cfg.AdminAccount)
	}
	return s
}

func (f *Function) doctorAccount(ctx context.Context, x doctor.Examiner, r alitags.Resource) doctor.Check {
	return x.Ask(ctx, f.account(r.Account), "tags in account "+r.Account, func(ctx context.Context) (string, error) {
		a, err := f.tags.Get(ctx, r, alitags.Event{})
		switch {
		case err != nil:
			return "", err
		case a.Status == alitags.Denied:
			return "", cause.Mark(cause.PermissionDenied, errors.New("denied"))
		case a.Status == alitags.Failed:
			// Why, only a question of its own tells: a lookup has no time for it.
			err := f.tags.Check(ctx, r.Account, r.Region)
			return "", cmp.Or(err, cause.Mark(cause.Timeout, fmt.Errorf("no answer about %s %s within %v", r.Type, r.ID, f.cfg.Budget)))
		}
		return fmt.Sprintf("%s %s: %s", r.Type, r.ID, a.Status), nil
	})
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
		err = eachLog(within, f.Source(), f.asRead(s.ID, from, end), func(_ *sls.Page, _ *sls.Group, l *sls.Log) {
			if left--; left < 0 {
				stop()
				return
			}
			text, _ := eventOf(l.Contents)
			e, err := d.Decode(text)
			if err != nil || len(e.Resources) == 0 {
				return
			}
			var v event
			v.read(e, l, time.Now())
			r := v.resource(0)
			r = alitags.Resource{Account: strings.Clone(r.Account), Region: strings.Clone(r.Region), Type: strings.Clone(r.Type), ID: strings.Clone(r.ID)}
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
