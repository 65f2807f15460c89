package trailtags_test

import (
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"testing"

	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/functions/trailtags"
	"github.com/siemfeed/siemfeed/pkg/config/configtest"
	"github.com/siemfeed/siemfeed/pkg/serve"
)

var good = map[string]string{
	"SLS_ENDPOINT": "cn-hangzhou.log.aliyuncs.com", "SLS_AK_ID": "ak", "SLS_AK_KEY": "hidden-key", "SLS_PROJECT": "p", "SLS_LOGSTORE": "l", "SLS_CG": "g",
	"SLS_TARGET_PROJECT": "p", "SLS_TARGET_LOGSTORE": "tagged",
	"ADMIN_ACCOUNT_ID": admin, "RESOURCE_AK_ID": "LTAI", "RESOURCE_AK_KEY": "hidden-lookup-key", "STATE_URL": "mem://",
}

func open(t *testing.T, changes map[string]string) error {
	t.Helper()
	env := maps.Clone(good)
	maps.Copy(env, changes)
	f, err := trailtags.Open(t.Context(), envconfig.MapLookuper(env), serve.Runtime{Log: slog.New(slog.DiscardHandler)})
	if err == nil {
		t.Cleanup(func() { _ = f.Close() })
	}
	return err
}

func TestMissingConfigurationNamesEveryVariable(t *testing.T) {
	_, err := trailtags.New(t.Context(), envconfig.MapLookuper(nil), serve.Runtime{})
	if err == nil {
		t.Fatal("started without configuration")
	}
	for _, name := range []string{"SLS_ENDPOINT", "SLS_AK_ID", "SLS_AK_KEY", "SLS_PROJECT", "SLS_LOGSTORE", "SLS_CG", "SLS_TARGET_PROJECT", "SLS_TARGET_LOGSTORE", "ADMIN_ACCOUNT_ID", "RESOURCE_AK_ID", "RESOURCE_AK_KEY", "STATE_URL"} {
		if strings.Count(err.Error(), "\n  "+name+": required") != 1 {
			t.Errorf("%s is not named once in:\n%v", name, err)
		}
	}
}

func TestWrongConfigurationNamesEveryVariable(t *testing.T) {
	if err := open(t, nil); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ name, value, names string }{
		{"SLS_TARGET_LOGSTORE", "l", "SLS_TARGET_LOGSTORE"}, // the source
		{"SLS_TARGET_LOGSTORE", "a/b", "SLS_TARGET_LOGSTORE"},
		{"SLS_TARGET_PROJECT", "a b", "SLS_TARGET_PROJECT"},
		{"SLS_TARGET_ENDPOINT", "http://cn-hangzhou.log.aliyuncs.com", "SLS_TARGET_ENDPOINT"},
		{"ADMIN_ACCOUNT_ID", "acs:ram::1", "ADMIN_ACCOUNT_ID"},
		{"ONLY_WRITES", "perhaps", "ONLY_WRITES"},
		{"TAG_TTL", "0s", "TAG_TTL"},
		{"TAG_CACHE_SIZE", "0", "TAG_CACHE_SIZE"},
		{"TAG_SYSTEM", "perhaps", "TAG_SYSTEM"},
		{"LOOKUP_BUDGET", "-1s", "LOOKUP_BUDGET"},
		{"LOOKUP_BUDGET", "3m", "LOOKUP_BUDGET"}, // of 8 min
		{"STS_ENDPOINT", "http://sts.example.com", "STS_ENDPOINT"},
		{"TAG_ENDPOINT", "http://tag.example.com", "TAG_ENDPOINT"},
		{"ECS_ENDPOINT", "ecs.example.com", "ECS_ENDPOINT"},
		{"SLB_ENDPOINT", "http://slb.example.com", "SLB_ENDPOINT"},
		{"MODE", "stream", "MODE"},
	} {
		err := open(t, map[string]string{tc.name: tc.value})
		if err == nil || !strings.Contains(err.Error(), "\n  "+tc.names+": ") || strings.Count(err.Error(), "\n") != 1 {
			t.Errorf("%s=%q: %v", tc.name, tc.value, err)
		}
		if err != nil && strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s=%q shows a secret: %v", tc.name, tc.value, err)
		}
	}
}

// A loop cannot be configured, by whatever name the source is called.
func TestSourceIsNoTarget(t *testing.T) {
	for _, env := range []map[string]string{
		{"SLS_TARGET_LOGSTORE": "l"},
		{"SLS_TARGET_LOGSTORE": "l", "SLS_TARGET_PROJECT": "P"},
		{"SLS_TARGET_LOGSTORE": "l", "SLS_TARGET_ENDPOINT": "cn-hangzhou-intranet.log.aliyuncs.com"},
		{"SLS_TARGET_LOGSTORE": "l", "SLS_TARGET_ENDPOINT": "https://cn-hangzhou.log.aliyuncs.com"},
	} {
		if err := open(t, env); err == nil || !strings.Contains(err.Error(), "it is the source") {
			t.Errorf("%v: %v", env, err)
		}
	}
	for _, env := range []map[string]string{{"SLS_TARGET_PROJECT": "other", "SLS_TARGET_LOGSTORE": "l"}, {"SLS_TARGET_LOGSTORE": "l2"}} {
		if err := open(t, env); err != nil {
			t.Errorf("%v: %v", env, err)
		}
	}
}

func TestReadmeHasEveryVariable(t *testing.T) {
	configtest.Readme[trailtags.Config](t, "README.md")
}

func TestConfigShowsNoSecret(t *testing.T) {
	var cfg trailtags.Config
	cfg.ResourceKey = "hidden"
	for _, text := range []string{fmt.Sprintf("%v", cfg), fmt.Sprintf("%+v", cfg), fmt.Sprintf("%#v", cfg)} {
		if strings.Contains(text, "hidden") {
			t.Errorf("the configuration shows a secret: %.200s", text)
		}
	}
}
