package slshec_test

import (
	"net/http"
	"testing"

	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/functions/slshec"
	"github.com/siemfeed/siemfeed/pkg/cause"
	"github.com/siemfeed/siemfeed/pkg/doctor/doctortest"
	splunk "github.com/siemfeed/siemfeed/pkg/emulator/hec"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
)

// What is wrong between here and the logstore, or the collector, is told from
// what is wrong with the key, or the token.
func TestDoctorTellsTroubleApart(t *testing.T) {
	doctortest.Resolve(t)
	w := newWorld(t, emulator.Options{}, splunk.Options{}, nil)
	cases := append(doctortest.Network(t), doctortest.Answers(t, map[int]cause.Code{
		http.StatusUnauthorized: cause.CredentialsRefused, http.StatusForbidden: cause.PermissionDenied, http.StatusNotFound: cause.NotFound,
		http.StatusTooManyRequests: cause.Throttled, http.StatusInternalServerError: cause.ServerFailed,
	})...)
	doctortest.Each(t, cases, func(t *testing.T, tc doctortest.Trouble) {
		env := map[string]string{}
		for name, value := range w.Env {
			env[name] = value
		}
		env["SLS_ENDPOINT"], env["HEC_URL"], env["RUN_TIMEOUT"], env["HEC_TIMEOUT"] = tc.URL, tc.URL, "1s", "5s"
		f, err := slshec.Open(t.Context(), envconfig.MapLookuper(env), w.Runtime())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		checks := f.Doctor(t.Context())
		logstore, token := doctortest.Find(t, checks, "logstore"), doctortest.Find(t, checks, "HEC token")
		switch tc.Code {
		case cause.CredentialsRefused:
			doctortest.Want(t, logstore, tc.Code, "set SLS_AK_ID and SLS_AK_KEY", "SLS_PROJECT")
			doctortest.Want(t, token, tc.Code, "set HEC_TOKEN", "HEC_URL")
		case cause.PermissionDenied: // the service's own always has a code
			doctortest.Want(t, logstore, cause.ProxyRefused, "proxy", "SLS_AK_KEY")
			doctortest.Want(t, token, tc.Code, "HEC_INDEX", "HEC_URL")
		case cause.NotFound:
			doctortest.Want(t, logstore, tc.Code, "SLS_PROJECT and SLS_LOGSTORE", "SLS_AK_KEY")
			doctortest.Want(t, token, tc.Code, "HEC_URL (scheme, host and port", "HEC_TOKEN")
		case cause.Throttled, cause.ServerFailed:
			doctortest.Want(t, logstore, tc.Code, "wait", "SLS_")
			doctortest.Want(t, token, tc.Code, "wait", "HEC_")
		default:
			doctortest.Want(t, logstore, tc.Code, tc.Blames("SLS_ENDPOINT"), "SLS_AK_KEY")
			doctortest.Want(t, token, tc.Code, tc.Blames("HEC_URL"), "HEC_TOKEN")
			if tc.Code == cause.AuthorityUnknown {
				doctortest.Want(t, token, tc.Code, "HEC_CA_FILE")
			}
		}
	})
}

// What the services say themselves decides, where they do.
func TestDoctorKnowsTheServicesCodes(t *testing.T) {
	for _, tc := range []struct {
		check, set, to string
		code           cause.Code
		change         string
	}{
		{"logstore", "SLS_AK_KEY", "another", cause.CredentialsRefused, "SLS_AK_ID and SLS_AK_KEY"},
		{"logstore", "SLS_LOGSTORE", "another", cause.NotFound, "SLS_PROJECT and SLS_LOGSTORE"},
		{"HEC token", "HEC_TOKEN", "another", cause.CredentialsRefused, "HEC_TOKEN"},
		{"HEC ack", "HEC_ACK", "true", cause.Misconfigured, "HEC_ACK=false"},
	} {
		w := newWorld(t, emulator.Options{}, splunk.Options{Tokens: []splunk.Token{{Value: token}}}, map[string]string{tc.set: tc.to})
		doctortest.Want(t, doctortest.Find(t, w.function().Doctor(t.Context()), tc.check), tc.code, tc.change)
	}
}
