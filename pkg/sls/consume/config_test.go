package consume

import "testing"

func TestDrainsShareAConsumerNameAndDeploymentsDoNot(t *testing.T) {
	name := func(state string) string {
		var cfg Config
		cfg.StateURL = state
		return cfg.drainConsumer()
	}
	if a, b, c := name("gs://one"), name("gs://one"), name("gs://two"); a == "" || a != b || a == c {
		t.Errorf("%q, %q, %q", a, b, c)
	}
}
