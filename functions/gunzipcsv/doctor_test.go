package gunzipcsv_test

import (
	"net/http"
	"testing"

	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/functions/gunzipcsv"
	"github.com/siemfeed/siemfeed/pkg/cause"
	"github.com/siemfeed/siemfeed/pkg/doctor/doctortest"
)

// What is wrong between here and the queue, or the buckets, is told from what is
// wrong with the token, or the keys.
func TestDoctorTellsTroubleApart(t *testing.T) {
	doctortest.Resolve(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	cases := append(doctortest.Network(t), doctortest.Answers(t, map[int]cause.Code{
		http.StatusUnauthorized: cause.CredentialsRefused, http.StatusForbidden: cause.PermissionDenied, http.StatusNotFound: cause.NotFound,
		http.StatusTooManyRequests: cause.Throttled, http.StatusBadGateway: cause.ServerFailed,
	})...)
	doctortest.Each(t, cases, func(t *testing.T, tc doctortest.Trouble) {
		state := "file://" + t.TempDir()
		f, err := gunzipcsv.Open(t.Context(), envconfig.MapLookuper(map[string]string{
			"CF_ACCOUNT_ID": "account", "CF_QUEUE_ID": "queue", "CF_API_TOKEN": "token", "CF_API_BASE_URL": tc.URL, "RUN_TIMEOUT": "1s",
			"SOURCE_URL": "s3://logs?region=us-east-1&endpoint=" + tc.URL, "DEST_URL": "file://" + t.TempDir(), "STATE_URL": state,
		}), newWorld(t, nil).runtime())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		checks := f.Doctor(t.Context())
		queue, source := doctortest.Find(t, checks, "queue"), doctortest.Find(t, checks, "source")
		switch tc.Code {
		case cause.CredentialsRefused:
			doctortest.Want(t, queue, tc.Code, "set CF_API_TOKEN", "CF_QUEUE_ID")
			doctortest.Want(t, source, tc.Code, "AWS_SECRET_ACCESS_KEY", "SOURCE_URL")
		case cause.PermissionDenied:
			doctortest.Want(t, queue, tc.Code, "Queues Write", "CF_QUEUE_ID")
			doctortest.Want(t, source, cause.BucketNotReadable, "s3:ListBucket", "SOURCE_URL")
		case cause.NotFound:
			doctortest.Want(t, queue, tc.Code, "correct CF_QUEUE_ID", "CF_API_TOKEN")
			doctortest.Want(t, source, cause.BucketMissing, "name in SOURCE_URL", "AWS_")
		case cause.Throttled, cause.ServerFailed:
			doctortest.Want(t, queue, tc.Code, "wait", "CF_")
			doctortest.Want(t, source, tc.Code, "wait", "SOURCE_URL", "AWS_")
		default:
			doctortest.Want(t, queue, tc.Code, tc.Blames("CF_API_BASE_URL"), "CF_API_TOKEN")
			doctortest.Want(t, source, tc.Code, tc.Blames("SOURCE_URL"), "AWS_")
		}
	})
}
