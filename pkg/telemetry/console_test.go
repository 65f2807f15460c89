package telemetry_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/siemfeed/siemfeed/pkg/telemetry"
)

func TestConsole(t *testing.T) {
	for _, colours := range []bool{false, true} {
		var b strings.Builder
		log, err := telemetry.NewConsole(&b, "info", colours)
		if err != nil {
			t.Fatal(err)
		}
		log.Debug("not shown")
		log.With("shard", 3).Warn("slow", "said", "no answer\nin \x1b[2Jtime", "for", 5, "error", errors.New("\x1b[1mno"))
		plain := regexp.MustCompile("\x1b\\[[0-9;]*m").ReplaceAllString(b.String(), "")
		want := regexp.MustCompile(`^\d\d:\d\d:\d\d WRN slow shard=3 said="no answer\\nin ␛\[2Jtime" for=5 error=␛\[1mno\n$`)
		if !want.MatchString(plain) {
			t.Errorf("%q", plain)
		}
		if (b.String() != plain) != colours {
			t.Errorf("colours %v: %q", colours, b.String())
		}
	}
	if _, err := telemetry.NewConsole(nil, "loud", false); err == nil {
		t.Error("took a level that there is not")
	}
}
