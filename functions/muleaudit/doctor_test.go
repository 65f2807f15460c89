package muleaudit_test

import (
	"net/http"
	"testing"

	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/functions/muleaudit"
	"github.com/siemfeed/siemfeed/pkg/cause"
	"github.com/siemfeed/siemfeed/pkg/doctor/doctortest"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
)

// What is wrong between here and the control plane is told from what is wrong
// with the credentials.
func TestDoctorTellsTroubleApart(t *testing.T) {
	doctortest.Resolve(t)
	cases := append(doctortest.Network(t), doctortest.Answers(t, map[int]cause.Code{
		http.StatusUnauthorized: cause.CredentialsRefused, http.StatusNotFound: cause.NotFound, http.StatusFound: cause.Redirected,
		http.StatusTooManyRequests: cause.Throttled, http.StatusInternalServerError: cause.ServerFailed, http.StatusOK: cause.UnexpectedAnswer,
	})...)
	doctortest.Each(t, cases, func(t *testing.T, tc doctortest.Trouble) {
		w := worldAt(t, nil, tc.URL, map[string]string{"RUN_TIMEOUT": "1s"})
		f, err := muleaudit.Open(t.Context(), envconfig.MapLookuper(w.env), w.runtime())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		c := doctortest.Find(t, f.Doctor(t.Context()), "token")
		switch tc.Code {
		case cause.CredentialsRefused:
			doctortest.Want(t, c, tc.Code, "CLIENT_ID and CLIENT_SECRET", "MULE_BASE_URL")
		case cause.Throttled, cause.ServerFailed:
			doctortest.Want(t, c, tc.Code, "wait", "CLIENT_SECRET", "MULE_BASE_URL")
		default:
			doctortest.Want(t, c, tc.Code, tc.Blames("MULE_BASE_URL"), "CLIENT_SECRET")
		}
	})
}

// An organisation that may not be looked at is told from one that is not there.
func TestDoctorTellsScopeFromName(t *testing.T) {
	w := newWorld(t, emulator.Options{}, map[string]string{"MULE_ORG_ID": "org-1,nowhere"})
	w.api.AddOrg("org-1", "")
	w.api.Forbid("org-1", true)
	checks := w.function().Doctor(t.Context())
	doctortest.Want(t, doctortest.Find(t, checks, "scope org-1"), cause.PermissionDenied, "Audit Log Viewer", "MULE_CONTROL_PLANE")
	doctortest.Want(t, doctortest.Find(t, checks, "scope nowhere"), cause.NotFound, "MULE_ORG_ID", "Audit Log Viewer")
}
