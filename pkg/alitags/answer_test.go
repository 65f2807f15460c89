package alitags

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestTagsKeepWhatTheyAreMadeOf(t *testing.T) {
	long := map[string]string{strings.Repeat("ключ", 32): strings.Repeat("值", 256), "": "empty key", "empty value": "", "b": "2", "a": "1"}
	tags := MakeTags(long)
	if got := tags.Map(); !maps.Equal(got, long) {
		t.Errorf("%v came back", got)
	}
	var keys []string
	for k := range tags.All() {
		keys = append(keys, k)
	}
	if !slices.IsSorted(keys) {
		t.Errorf("out of order: %q", keys)
	}
	if !MakeTags(nil).None() || tags.None() {
		t.Error("none and some are mixed up")
	}
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "tags")
		if got := MakeTags(m).Map(); !maps.Equal(got, m) {
			t.Fatalf("%q came back", got)
		}
	})
}

func TestWhatAnEventDoes(t *testing.T) {
	for _, tc := range []struct {
		name, kind string
		want       change
	}{
		{"DeleteInstance", "ACS::ECS::Instance", deleted},
		{"DeleteInstances", "ACS::ECS::Instance", deleted},
		{"DeleteDBInstance", "ACS::RDS::DBInstance", deleted},
		{"DeleteInstance", "ACS::Redis::DBInstance", deleted},
		{"ReleaseEipAddress", "ACS::VPC::EIP", deleted},
		{"DeleteVpc", "ACS::VPC::VPC", deleted},
		{"DeleteVSwitch", "ACS::VPC::VSwitch", deleted},
		{"DeleteLogStore", "ACS::SLS::LogStore", deleted},
		// These name a load balancer that stays.
		{"DeleteLoadBalancerListener", "ACS::SLB::LoadBalancer", unchanged},
		{"DeleteVServerGroup", "ACS::SLB::LoadBalancer", unchanged},
		{"DeleteDisk", "ACS::ECS::Instance", unchanged},
		{"TagResources", "ACS::ECS::Instance", tagged},
		{"AddTags", "ACS::ECS::Instance", tagged},
		{"UntagResources", "ACS::ECS::Instance", untagged},
		{"RunInstances", "ACS::ECS::Instance", created},
		{"CreateDisk", "ACS::ECS::Disk", created},
		{"StopInstance", "ACS::ECS::Instance", unchanged},
		{"", "ACS::ECS::Instance", unchanged},
		{"Delete", "ACS::ECS::Instance", unchanged},
		{"DeleteInstance", "", unchanged},
	} {
		if got := (Event{Name: tc.name}).on(tc.kind); got != tc.want {
			t.Errorf("%s on %s: %d, want %d", tc.name, tc.kind, got, tc.want)
		}
		if got := (Event{Name: tc.name, Failed: true}).on(tc.kind); got != unchanged {
			t.Errorf("%s that failed on %s: %d", tc.name, tc.kind, got)
		}
	}
}

func TestNothingStrangeIsAskedAbout(t *testing.T) {
	good := Resource{"1234567890123456", "cn-hangzhou", "ACS::ECS::Instance", "i-1"}
	if !good.askable() {
		t.Fatal("a good one is refused")
	}
	for name, change := range map[string]func(*Resource){
		"a host in the region":      func(r *Resource) { r.Region = "evil.example/" },
		"a path in the region":      func(r *Resource) { r.Region = "cn/../x" },
		"a role in the account":     func(r *Resource) { r.Account = "1:role/x" },
		"no account":                func(r *Resource) { r.Account = "" },
		"no id":                     func(r *Resource) { r.ID = "" },
		"a line break in the id":    func(r *Resource) { r.ID = "i-1\nx" },
		"an id without end":         func(r *Resource) { r.ID = strings.Repeat("i", 10_000) },
		"a region that is a hyphen": func(r *Resource) { r.Region = "-" },
	} {
		r := good
		if change(&r); r.askable() {
			t.Errorf("%s: taken", name)
		}
	}
	for _, typ := range []string{"", "Instance", "ACS::ECS", "ACS::Nothing::Known", "ACS::ECS::a b", "ACS::ECS::a/b", "ACS::ECS::*", "acs::ecs::x::y"} {
		if kindOf(typ) != nil && typ != "ACS::ECS::*" {
			t.Errorf("type %q is supported", typ)
		}
	}
}
