package consume

import (
	"strings"
	"testing"
)

func TestDrainsShareAConsumerNameAndDeploymentsDoNot(t *testing.T) {
	name := func(function, state string) string {
		var cfg Config
		cfg.StateURL = state
		return cfg.drainConsumer(function)
	}
	a, b, c, d := name("slshec", "gs://one"), name("slshec", "gs://one"), name("slshec", "gs://two"), name("trailtags", "gs://one")
	if a == "" || a != b || a == c || a == d {
		t.Errorf("%q, %q, %q, %q", a, b, c, d)
	}
}

// Who a consumer surely is not, is told from its name alone.
func TestStrangers(t *testing.T) {
	var one, two Config
	one.StateURL, two.StateURL = "gs://one", "gs://two"
	former := "siemfeed-" + digest(4, "gs://one")
	for _, tc := range []struct {
		consumer, given, whose string
	}{
		{consumer: ""},
		{consumer: one.drainConsumer("slshec")},
		{consumer: one.followConsumer("slshec")},
		{consumer: former},
		{consumer: "siemfeed-slshec-7d9f8b6c5d-x2z7k-ab3cd5"}, // a follower's, of a release before, in a pod
		{consumer: "siemfeed-host-ab3cd5"},
		{consumer: one.drainConsumer("trailtags"), whose: "a trailtags"},
		{consumer: one.followConsumer("trailtags"), whose: "a trailtags"},
		{consumer: two.drainConsumer("slshec"), whose: "a slshec of another STATE_URL"},
		{consumer: two.followConsumer("slshec"), whose: "a slshec of another STATE_URL"},
		{consumer: "siemfeed-" + digest(4, "gs://two"), whose: "a slshec of another STATE_URL"},
		{consumer: "python-consumer-1", whose: "somebody else"},
		{consumer: "node-2", given: "node-1"}, // may be its sibling
		{consumer: two.drainConsumer("slshec"), given: "node-1", whose: "a slshec of another STATE_URL"},
	} {
		cfg := one
		cfg.Consumer = tc.given
		whose, ok := cfg.stranger("slshec", tc.consumer)
		if whose != tc.whose || ok != (tc.whose != "") {
			t.Errorf("%q, given %q: %q %t", tc.consumer, tc.given, whose, ok)
		}
	}
	if name := one.followConsumer("slshec"); len(name) > 80 || !strings.HasPrefix(name, one.drainConsumer("slshec")+"-") {
		t.Errorf("%q", name)
	}
}
