package trailtags_test

import (
	"maps"
	"net/http"
	"testing"

	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/functions/trailtags"
	"github.com/siemfeed/siemfeed/pkg/cause"
	"github.com/siemfeed/siemfeed/pkg/doctor/doctortest"
	cloud "github.com/siemfeed/siemfeed/pkg/emulator/alibaba"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
)

// What is wrong between here and the target, or the APIs that know tags, is told
// from what is wrong with the keys.
func TestDoctorTellsTroubleApart(t *testing.T) {
	doctortest.Resolve(t)
	w := newWorld(t, emulator.Options{Shards: 1}, cloud.Options{}, nil)
	w.put(0, w.write("ModifyDBInstance", admin, database, "rm-a"))
	cases := append(doctortest.Network(t), doctortest.Answers(t, map[int]cause.Code{
		http.StatusUnauthorized: cause.CredentialsRefused, http.StatusForbidden: cause.ProxyRefused, http.StatusNotFound: cause.NotFound,
		http.StatusTooManyRequests: cause.Throttled, http.StatusInternalServerError: cause.ServerFailed,
	})...)
	doctortest.Each(t, cases, func(t *testing.T, tc doctortest.Trouble) {
		env := maps.Clone(w.Env)
		env["SLS_TARGET_ENDPOINT"], env["STS_ENDPOINT"], env["TAG_ENDPOINT"] = tc.URL, tc.URL, tc.URL
		env["LOOKUP_BUDGET"], env["RUN_TIMEOUT"] = "1s", "4s" // a busy machine takes its time for TLS
		if tc.Code == cause.Timeout {
			env["LOOKUP_BUDGET"], env["RUN_TIMEOUT"] = "300ms", "2s"
		}
		f, err := trailtags.Open(t.Context(), envconfig.MapLookuper(env), w.Runtime())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		checks := f.Doctor(t.Context())
		target, tags := doctortest.Find(t, checks, "target"), doctortest.Find(t, checks, "tags in account "+admin)
		switch tc.Code {
		case cause.CredentialsRefused:
			doctortest.Want(t, target, tc.Code, "SLS_AK_ID and SLS_AK_KEY", "SLS_TARGET_PROJECT")
			doctortest.Want(t, tags, tc.Code, "RESOURCE_AK_ID and RESOURCE_AK_KEY", "STS_ENDPOINT")
		case cause.NotFound:
			doctortest.Want(t, target, tc.Code, "SLS_TARGET_LOGSTORE", "SLS_AK_KEY")
			doctortest.Want(t, tags, tc.Code, "TAG_ENDPOINT", "RESOURCE_AK_KEY")
		case cause.Throttled, cause.ServerFailed, cause.ProxyRefused:
			doctortest.Want(t, target, tc.Code, "", "SLS_AK_KEY")
			doctortest.Want(t, tags, tc.Code, "", "RESOURCE_AK_KEY")
		default:
			doctortest.Want(t, target, tc.Code, tc.Blames("SLS_TARGET_ENDPOINT"), "SLS_AK_KEY")
			doctortest.Want(t, tags, tc.Code, tc.Blames("TAG_ENDPOINT"), "RESOURCE_AK_KEY")
		}
	})
}

// What the services say themselves decides, where they do.
func TestDoctorKnowsTheServicesCodes(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 1}, cloud.Options{}, nil)
	w.put(0, w.write("ModifyDBInstance", admin, database, "rm-a"), w.write("StopInstance", member, instance, "i-a"))
	w.cloud.AddAccount(member).Trust(false)
	doctortest.Want(t, doctortest.Find(t, w.function().Doctor(t.Context()), "tags in account "+member), cause.PermissionDenied, "must trust account "+admin)
	w.Env["RESOURCE_AK_KEY"] = "another"
	doctortest.Want(t, doctortest.Find(t, w.function().Doctor(t.Context()), "tags in account "+admin), cause.CredentialsRefused, "RESOURCE_AK_KEY")
}
