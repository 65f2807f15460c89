package alitags_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siemfeed/siemfeed/pkg/alitags"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/alibaba"
)

// event is one that happens now.
func event(name string) alitags.Event { return alitags.Event{Name: name, Time: time.Now()} }

func TestADeleteCarriesTheTags(t *testing.T) {
	for _, notFound := range []bool{false, true} { // in either way of ECS to say that it knows nothing
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, emulator.Options{NotFound: notFound})
			create(w.member, 3)
			r, tags := instance(member, 1), map[string]string{"n": "1"}
			want(t, one(t, w.Client, r, event("StartInstance")), alitags.Found, tags)
			time.Sleep(time.Minute)
			w.member.Delete(made(r))
			want(t, one(t, w.Client, r, event("DeleteInstance")), alitags.Stale, tags)
			// And so do those that come after it.
			time.Sleep(20 * time.Minute)
			want(t, one(t, w.Client, r, event("DescribeInstances")), alitags.Stale, tags)
			// One that was never seen has none to carry.
			w.member.Delete(made(instance(member, 2)))
			want(t, one(t, w.Client, instance(member, 2), event("DeleteInstance")), alitags.Gone, nil)
			// A call that failed has deleted nothing.
			want(t, one(t, w.Client, instance(member, 0), alitags.Event{Name: "DeleteInstance", Time: time.Now(), Failed: true}), alitags.Found, map[string]string{"n": "0"})
		})
	}
}

// TestABacklogOfADeletedResource: its last events are read when it is long gone.
// The API knows no tags of it at the first of them already, which must not make
// the delete forget what is known.
func TestABacklogOfADeletedResource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, emulator.Options{})
		create(w.member, 1)
		r, tags := instance(member, 0), map[string]string{"n": "0"}
		want(t, one(t, w.Client, r, event("StartInstance")), alitags.Found, tags)
		time.Sleep(time.Hour)
		stopped := event("StopInstance")
		time.Sleep(10 * time.Minute)
		removed := event("DeleteInstance")
		w.member.Delete(made(r))
		time.Sleep(2 * time.Hour)
		want(t, one(t, w.Client, r, stopped), alitags.Untagged, nil) // no delete was seen yet
		want(t, one(t, w.Client, r, removed), alitags.Stale, tags)
		want(t, one(t, w.Client, r, stopped), alitags.Stale, tags) // in a replay
	})
}

func TestTagsThatChange(t *testing.T) {
	for _, typ := range []string{"ACS::ECS::Instance", "ACS::VPC::VPC"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, emulator.Options{})
			r := alitags.Resource{Account: member, Region: region, Type: typ, ID: "r-1"}
			w.member.Create(made(r), nil)
			want(t, one(t, w.Client, r, event("CreateX")), alitags.Untagged, nil)
			time.Sleep(time.Second)
			w.member.Tag(made(r), map[string]string{"team": "a", "env": "prod"})
			want(t, one(t, w.Client, r, event("StopInstance")), alitags.Untagged, nil) // as long as the TTL has it so
			want(t, one(t, w.Client, r, event("TagResources")), alitags.Found, map[string]string{"team": "a", "env": "prod"})
			time.Sleep(time.Second)
			w.member.Untag(made(r), "env")
			want(t, one(t, w.Client, r, event("UntagResources")), alitags.Found, map[string]string{"team": "a"})
			time.Sleep(time.Second)
			w.member.Untag(made(r))
			want(t, one(t, w.Client, r, event("UntagResources")), alitags.Untagged, nil)
			// What was taken away does not come back with the delete.
			time.Sleep(time.Second)
			w.member.Delete(made(r))
			want(t, one(t, w.Client, r, event("Delete"+map[string]string{"ACS::ECS::Instance": "Instance", "ACS::VPC::VPC": "Vpc"}[typ])), alitags.Gone, nil)
		})
	}
}

// TestSomeTagsAreTakenAway: what is left goes with the delete.
func TestSomeTagsAreTakenAway(t *testing.T) {
	for name, wait := range map[string]time.Duration{"at once": time.Second, "read an hour later": time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, emulator.Options{})
			r := instance(member, 0)
			w.member.Create(made(r), map[string]string{"a": "1", "b": "2"})
			w.member.Untag(made(r), "b")
			removed := event("UntagResources")
			time.Sleep(wait)
			one(t, w.Client, r, alitags.Event{})
			want(t, one(t, w.Client, r, removed), alitags.Found, map[string]string{"a": "1"})
			time.Sleep(time.Minute)
			w.member.Delete(made(r))
			if a := one(t, w.Client, r, event("DeleteInstance")); a.Status != alitags.Stale || a.Tags != alitags.MakeTags(map[string]string{"a": "1"}) {
				t.Errorf("%s: %+v", name, a)
			}
		})
	}
}

// TestUntaggedWithoutAnEvent: the API alone tells it. That the resource had no
// tags while it lived counts when it is deleted later.
func TestUntaggedWithoutAnEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, emulator.Options{})
		create(w.member, 1)
		r := instance(member, 0)
		want(t, one(t, w.Client, r, event("StartInstance")), alitags.Found, map[string]string{"n": "0"})
		w.member.Untag(made(r))
		time.Sleep(6 * time.Minute)
		want(t, one(t, w.Client, r, event("StopInstance")), alitags.Untagged, nil)
		time.Sleep(time.Hour)
		w.member.Delete(made(r))
		want(t, one(t, w.Client, r, event("DeleteInstance")), alitags.Gone, nil)
	})
}

// TestARefreshIsNotAskedForTwice: what was asked for after an event shows what it
// did. A backlog of tag events costs no call for each of them.
func TestARefreshIsNotAskedForTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, emulator.Options{Latency: time.Second})
		create(w.member, 1)
		r := instance(member, 0)
		then := event("TagResources")
		time.Sleep(time.Hour)
		one(t, w.Client, r, alitags.Event{})
		calls := w.calls("ECS", member)
		for range 100 {
			if _, ok := w.Known(r, then); !ok {
				t.Fatal("asked again")
			}
		}
		// A tag event while its resource is being asked about waits for the next.
		time.Sleep(10 * time.Minute)
		done := make(chan alitags.Answer, 2)
		w.Lookup(t.Context(), r, alitags.Event{}, func(a alitags.Answer, _ error) { done <- a })
		time.Sleep(1040 * time.Millisecond) // it was sent, and the answer is on its way
		w.member.Tag(made(r), map[string]string{"new": "1"})
		w.Lookup(t.Context(), r, event("TagResources"), func(a alitags.Answer, _ error) { done <- a })
		<-done
		want(t, <-done, alitags.Found, map[string]string{"n": "0", "new": "1"})
		if n := w.calls("ECS", member) - calls; n != 2 {
			t.Errorf("%d calls", n)
		}
		// Nor does an event that comes after it get an answer of before it.
		w.member.Untag(made(r), "n")
		w.Lookup(t.Context(), r, event("UntagResources"), func(a alitags.Answer, _ error) { done <- a })
		want(t, one(t, w.Client, r, event("StopInstance")), alitags.Found, map[string]string{"new": "1"})
		<-done
		if n := w.calls("ECS", member) - calls; n != 3 {
			t.Errorf("%d calls", n)
		}
	})
}

// TestANameThatIsUsedAgain: a bucket that is made anew has nothing of the old one.
func TestANameThatIsUsedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, emulator.Options{})
		r := alitags.Resource{Account: member, Region: region, Type: "ACS::OSS::Bucket", ID: "logs"}
		w.member.Create(made(r), map[string]string{"owner": "old"})
		want(t, one(t, w.Client, r, event("GetBucket")), alitags.Found, map[string]string{"owner": "old"})
		w.member.Delete(made(r))
		want(t, one(t, w.Client, r, event("DeleteBucket")), alitags.Stale, map[string]string{"owner": "old"})
		time.Sleep(time.Hour)
		w.member.Create(made(r), nil)
		want(t, one(t, w.Client, r, event("PutBucket")), alitags.Untagged, nil)
		w.member.Delete(made(r))
		time.Sleep(time.Hour)
		want(t, one(t, w.Client, r, event("DeleteBucket")), alitags.Gone, nil)
	})
}

// TestLastKnownTagsWhereTheAPIIsOutOfReach are better than none.
func TestLastKnownTagsWhereTheAPIIsOutOfReach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, emulator.Options{})
		create(w.member, 2)
		one(t, w.Client, instance(member, 0), alitags.Event{})
		time.Sleep(time.Hour)
		w.member.Trouble("ECS", emulator.Trouble{Hang: true})
		for i, g := range all(t.Context(), w.Client, []alitags.Resource{instance(member, 0), instance(member, 1)}, alitags.Event{}) {
			if i == 0 {
				want(t, g.Answer, alitags.Stale, map[string]string{"n": "0"})
			} else {
				want(t, g.Answer, alitags.Failed, nil)
			}
			if g.err != nil || g.after > budget {
				t.Error(fmt.Sprint(g))
			}
		}
	})
}
