package config_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/pkg/config"
)

type flat struct {
	Common
	Org    []string      `env:"ORG, required" help:"organisation ids"`
	Secret config.Secret `env:"SECRET, required" help:"client secret"`
	Settle time.Duration `env:"SETTLE, default=5m" help:"wait for late events"`
	Size   int           `env:"SIZE, default=200" help:"page size"`
}

// Common is embedded, so it has to be exported to be settable.
type Common struct {
	State string `env:"STATE_URL, required" help:"bucket for state"`
}

func (c *flat) Validate() (f config.Faults) {
	if c.Size < 1 || c.Size > 200 {
		f.Add("SIZE", "must be 1 to 200, not %d", c.Size)
	}
	if c.Settle <= 0 {
		f.Add("SETTLE", "must be positive")
	}
	return f
}

func TestLoad(t *testing.T) {
	var c flat
	err := config.Load(t.Context(), envconfig.MapLookuper(map[string]string{
		"STATE_URL": "file:///x", "ORG": "a,b", "SECRET": "s3cret", "SIZE": "",
	}), &c)
	if err != nil {
		t.Fatal(err)
	}
	if c.State != "file:///x" || len(c.Org) != 2 || c.Secret.Reveal() != "s3cret" || c.Settle != 5*time.Minute || c.Size != 200 {
		t.Errorf("%+v", c)
	}
}

func TestLoadReportsEveryFaultOnce(t *testing.T) {
	var c flat
	err := config.Load(t.Context(), envconfig.MapLookuper(map[string]string{"SETTLE": "soon", "SIZE": "900"}), &c)
	var faults config.Faults
	if !errors.As(err, &faults) || len(faults) != 5 {
		t.Fatal(err)
	}
	for _, want := range []string{"STATE_URL: required: bucket", "ORG: required", "SECRET: required", `SETTLE: cannot read "soon" as a duration`, "SIZE: must be 1 to 200, not 900"} {
		if strings.Count(err.Error(), want) != 1 {
			t.Errorf("%q is not in the message once:\n%s", want, err)
		}
	}
}

// A number is decimal, whatever it begins with.
func TestLoadReadsNumbers(t *testing.T) {
	type numbers struct {
		Int   int           `env:"N"`
		Int64 int64         `env:"N"`
		Span  time.Duration `env:"SPAN"`
	}
	for text, want := range map[string]int{
		"": 0, "200": 200, " 200 ": 200, "+200": 200, "-1": -1, "0": 0, "010": 10, "0200": 200, "08": 8,
	} {
		var c numbers
		if err := config.Load(t.Context(), envconfig.MapLookuper(map[string]string{"N": text, "SPAN": "010s"}), &c); err != nil || c.Int != want || c.Int64 != int64(want) || c.Span != 10*time.Second {
			t.Errorf("%q: %+v, %v", text, c, err)
		}
	}
	for _, text := range []string{"0x10", "0b1", "0o7", "1_0", "1e3", "4.0", "16MiB", "5 MB", "10s", `"4"`, "99999999999999999999", "1,000"} {
		var c numbers
		err := config.Load(t.Context(), envconfig.MapLookuper(map[string]string{"N": text}), &c)
		if want := fmt.Sprintf("N: cannot read %q as a whole number such as 200", text); err == nil || strings.Count(err.Error(), want) != 2 {
			t.Errorf("%q: %+v, %v", text, c, err)
		}
	}
}

// Nothing is a value where the field says so.
func TestLoadKeepsWhatIsEmpty(t *testing.T) {
	type prefixed struct {
		Prefix string `env:"PREFIX, default=tag_" empty:"kept"`
		Other  string `env:"OTHER, default=x"`
	}
	for given, want := range map[string]prefixed{"": {"", "x"}, " ": {"", "x"}, " p ": {"p", "p"}} {
		var c prefixed
		if err := config.Load(t.Context(), envconfig.MapLookuper(map[string]string{"PREFIX": given, "OTHER": given}), &c); err != nil || c != want {
			t.Errorf("%q: %+v, %v", given, c, err)
		}
	}
	var c prefixed
	if err := config.Load(t.Context(), envconfig.MapLookuper(nil), &c); err != nil || c.Prefix != "tag_" {
		t.Errorf("unset: %+v, %v", c, err)
	}
}

func TestVariables(t *testing.T) {
	vars := config.Variables[flat]()
	if len(vars) != 5 || vars[0].Name != "STATE_URL" || !vars[0].Required || vars[3].Default != "5m" || vars[4].Help != "page size" {
		t.Errorf("%+v", vars)
	}
}

func TestSecretIsNeverShown(t *testing.T) {
	const hidden = "s3cret-value"
	c := struct {
		S config.Secret
		P *config.Secret
		M map[string]config.Secret
	}{S: hidden, M: map[string]config.Secret{"k": hidden}}
	c.P = &c.S
	out := fmt.Sprintf("%v %+v %#v %s %q %x", c, c, c, c.S, c.S, c.S)
	js, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var logged strings.Builder
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "secret", c.S, "struct", c)
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "secret", c.S, "struct", c)
	for _, s := range []string{out, string(js), logged.String()} {
		if strings.Contains(s, hidden) || strings.Contains(s, fmt.Sprintf("%x", hidden)) {
			t.Errorf("secret shown in %s", s)
		}
	}
}

func TestCheckEndpoint(t *testing.T) {
	for _, tc := range []struct {
		url      string
		insecure bool
		ok       bool
	}{
		{"https://anypoint.mulesoft.com", false, true},
		{"http://anypoint.mulesoft.com", false, false},
		{"http://anypoint.mulesoft.com", true, true},
		{"http://127.0.0.1:8080", false, true},
		{"http://[::1]:8080", false, true},
		{"http://localhost", false, true},
		{"http://localhost.evil.example", false, false},
		{"ftp://127.0.0.1", false, false},
		{"https://user:pw@host", false, false},
		{"anypoint.mulesoft.com", false, false},
		{"://", false, false},
	} {
		if err := config.CheckEndpoint(tc.url, tc.insecure, "X_INSECURE"); (err == nil) != tc.ok {
			t.Errorf("%s (insecure %v): %v", tc.url, tc.insecure, err)
		}
	}
}
