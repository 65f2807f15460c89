package consume_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/siemfeed/siemfeed/pkg/sls/consume"
)

var good = map[string]string{
	"SLS_ENDPOINT": "cn-hangzhou.log.aliyuncs.com", "SLS_AK_ID": "ak", "SLS_AK_KEY": "hidden-key", "SLS_PROJECT": "p", "SLS_LOGSTORE": "l", "SLS_CG": "g",
	"STATE_URL": "mem://",
}

// with reads what is good but for changes.
func with(changes map[string]string) (consume.Config, error) {
	env := maps.Clone(good)
	maps.Copy(env, changes)
	return load(env)
}

func TestOneFilterOnTheServer(t *testing.T) {
	_, err := with(map[string]string{"SLS_QUERY": "*", "SLS_PROCESSOR": "only-writes"})
	if err == nil || !strings.Contains(err.Error(), "\n  SLS_PROCESSOR: ") || strings.Count(err.Error(), "\n") != 1 {
		t.Error(err)
	}
}

func TestEveryWayOfAccess(t *testing.T) {
	without := map[string]string{"SLS_AK_ID": "", "SLS_AK_KEY": ""}
	for _, tc := range []struct {
		env   map[string]string
		names string // what is missing
	}{
		{map[string]string{"ALIBABA_ROLE_ARN": "acs:ram::1:role/r", "ALIBABA_OIDC_PROVIDER_ARN": "acs:ram::1:oidc-provider/g"}, ""},
		{map[string]string{"ALIBABA_ROLE_ARN": "acs:ram::1:role/r"}, "ALIBABA_OIDC_PROVIDER_ARN"},
		{map[string]string{"ALIBABA_OIDC_PROVIDER_ARN": "acs:ram::1:oidc-provider/g"}, "ALIBABA_ROLE_ARN"},
		{map[string]string{"ALIBABA_CLOUD_ACCESS_KEY_ID": "STS.x", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "y", "ALIBABA_CLOUD_SECURITY_TOKEN": "z"}, ""},
		{map[string]string{"ALIBABA_CLOUD_ECS_METADATA": "role"}, ""},
		{map[string]string{"SLS_AK_ID": "ak"}, "SLS_AK_KEY"},
		{map[string]string{"SLS_SECURITY_TOKEN": "t", "SLS_AK_KEY": "k"}, "SLS_AK_ID"},
	} {
		env := maps.Clone(without)
		maps.Copy(env, tc.env)
		_, err := with(env)
		if tc.names == "" && err != nil || tc.names != "" && (err == nil || !strings.Contains(err.Error(), "\n  "+tc.names+": required")) {
			t.Errorf("%v: %v", tc.env, err)
		}
	}
}
