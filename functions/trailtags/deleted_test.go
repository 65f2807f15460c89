package trailtags_test

import (
	"testing"

	cloud "github.com/siemfeed/siemfeed/pkg/emulator/alibaba"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// TestADeleteCarriesTheTags that the resource had, in the same run, in the next
// one, and in processes that start long after.
func TestADeleteCarriesTheTags(t *testing.T) {
	w := newWorld(t, emulator.Options{}, cloud.Options{}, nil)
	a := w.create(member, instance, "i-a", map[string]string{"project": "alpha"})
	b := w.create(member, balancer, "lb-b", map[string]string{"project": "beta"})
	c := w.create(admin, database, "rm-c", map[string]string{"project": "gamma"})
	w.put(0, w.write("StopInstance", member, instance, "i-a"), w.write("SetLoadBalancerName", member, balancer, "lb-b"), w.write("ModifyDBInstance", admin, database, "rm-c"))
	w.drain()
	w.cloud.AddAccount(member).Delete(a)
	w.cloud.AddAccount(member).Delete(b)
	w.cloud.AddAccount(admin).Delete(c)
	gone := map[string]event{
		"alpha": w.write("DeleteInstance", member, instance, "i-a"),
		"beta":  w.write("DeleteLoadBalancer", member, balancer, "lb-b"),
		"gamma": w.write("DeleteDBInstance", admin, database, "rm-c"),
	}
	for _, e := range gone {
		w.put(1, e)
	}
	w.drain()
	rows := w.byID()
	for project, e := range gone {
		want(t, rows[e["eventId"].(string)+"/1"], map[string]string{"tagStatus": "stale", "tag_project": project})
	}
}

// TestUntaggingTheLastTag leaves a resource without tags, not one whose tags are
// old; and tags that are set show from their event on.
func TestUntaggingTheLastTag(t *testing.T) {
	w := newWorld(t, emulator.Options{}, cloud.Options{}, nil)
	r := w.create(member, instance, "i-a", map[string]string{"project": "alpha"})
	f := w.function()
	step := func(status, project string, events ...event) {
		t.Helper()
		w.put(0, events...)
		if _, err := f.Run(t.Context(), trigger.Event{Kind: trigger.Tick}); err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			want(t, w.byID()[e["eventId"].(string)+"/1"], map[string]string{"tagStatus": status, "tag_project": project})
		}
	}
	account := w.cloud.AddAccount(member)
	step("found", "alpha", w.write("StopInstance", member, instance, "i-a"))
	account.Untag(r)
	step("untagged", absent, w.write("UntagResources", member, instance, "i-a"), w.write("StopInstance", member, instance, "i-a"))
	account.Tag(r, map[string]string{"project": "beta"})
	step("found", "beta", w.write("TagResources", member, instance, "i-a"), w.write("StopInstance", member, instance, "i-a"))
	account.Delete(r)
	step("stale", "beta", w.write("DeleteInstance", member, instance, "i-a"), w.write("StopInstance", member, instance, "i-a"))
}

// TestTagCalls that name what they are about by their parameters alone make rows of
// it, and what was known of its tags counts no more.
func TestTagCalls(t *testing.T) {
	w := newWorld(t, emulator.Options{}, cloud.Options{}, nil)
	card := w.create(member, "ACS::ECS::NetworkInterface", "eni-a", map[string]string{"project": "alpha"})
	base := w.create(third, database, "rm-b", map[string]string{"project": "alpha"})
	f := w.function()
	run := func(events ...event) {
		t.Helper()
		w.put(0, events...)
		if _, err := f.Run(t.Context(), trigger.Event{Kind: trigger.Tick}); err != nil {
			t.Fatal(err)
		}
	}
	row := func(e event) map[string]string { return w.byID()[e["eventId"].(string)+"/1"] }
	run(w.write("AttachNetworkInterface", member, "ACS::ECS::NetworkInterface", "eni-a"), w.write("ModifyDBInstance", third, database, "rm-b"))
	w.cloud.AddAccount(member).Tag(card, map[string]string{"project": "beta"})
	w.cloud.AddAccount(third).Untag(base)
	ecs := w.write("TagResources", member, "").with("requestParameters", map[string]any{
		"ResourceType": "eni", "ResourceId.1": "eni-a", "RegionId": "cn-hangzhou", "Tag.1.Key": "project", "Tag.1.Value": "beta"})
	tag := w.write("UntagResources", admin, "").with("serviceName", "Tag").with("acsRegion", "cn-shanghai").with("requestParameterJson", `{"ResourceARN.1":"arn:acs:rds:cn-hangzhou:`+third+`:dbinstance/rm-b"}`)
	run(ecs, tag)
	want(t, row(ecs), map[string]string{"resourceType": "ACS::ECS::NetworkInterface", "resourceName": "eni-a", "tagStatus": "found", "tag_project": "beta"})
	want(t, row(tag), map[string]string{"resourceType": database, "resourceName": "rm-b", "tagStatus": "untagged", "tag_project": absent, "accountId": admin})
	after := w.write("DetachNetworkInterface", member, "ACS::ECS::NetworkInterface", "eni-a")
	run(after)
	want(t, row(after), map[string]string{"tag_project": "beta"})
	w.WantProof(w.function())
}

// TestAnEventIsNotAheadOfItsKnownTags: the tags are kept before the checkpoint
// passes the event that they were learned from.
func TestAnEventIsNotAheadOfItsKnownTags(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 1}, cloud.Options{}, nil)
	w.create(member, instance, "i-a", map[string]string{"project": "alpha"})
	kept := 0
	w.Store.OnCheckpoint(func(c emulator.CheckpointEvent) {
		if c.Number <= w.First[0] {
			return // where the group begins
		}
		keys, err := w.State.Keys(t.Context(), "trailtags/tags/")
		if err != nil || len(keys) == 0 {
			t.Errorf("a checkpoint at %d, and no tags are kept: %v", c.Number, err)
		}
		kept++
	})
	w.put(0, w.write("StopInstance", member, instance, "i-a"))
	w.drain()
	if kept == 0 {
		t.Error("no checkpoint was saved")
	}
}
