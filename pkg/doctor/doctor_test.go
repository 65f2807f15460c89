package doctor_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/pkg/alibaba"
	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/cause"
	"github.com/siemfeed/siemfeed/pkg/doctor"
	"github.com/siemfeed/siemfeed/pkg/doctor/doctortest"
	"github.com/siemfeed/siemfeed/pkg/emulator/oss"
)

func TestBuckets(t *testing.T) {
	dir := t.TempDir()
	b, err := bucket.Open(t.Context(), "file://"+dir)
	if err != nil {
		t.Fatal(err)
	}
	at := doctor.Bucket{Bucket: b, Variable: "STATE_URL"}
	for _, c := range append(quick.Output(t.Context(), "output", at), quick.State(t.Context(), "state", at, "muleaudit")) {
		if !c.OK() {
			t.Errorf("%+v", c)
		}
	}
	if keys, err := b.Keys(t.Context(), ""); err != nil || len(keys) != 0 {
		t.Errorf("left %v, %v", keys, err)
	}
	// What was a directory when it was opened is none now.
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range append(quick.Output(t.Context(), "output", at), quick.State(t.Context(), "state", at, "muleaudit")) {
		doctortest.Want(t, c, cause.BucketMissing, "STATE_URL")
	}
}

func TestClock(t *testing.T) {
	for _, tc := range []struct {
		date string
		ok   bool
	}{
		{time.Now().UTC().Format(http.TimeFormat), true},
		{time.Now().Add(-10 * time.Minute).UTC().Format(http.TimeFormat), false},
		{time.Now().Add(10 * time.Minute).UTC().Format(http.TimeFormat), false},
		{"whenever", true},
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Date", tc.date) }))
		if c := quick.Clock(t.Context(), doctor.Subject{}, srv.URL); c.OK() != tc.ok {
			t.Errorf("%s: %+v", tc.date, c)
		}
		srv.Close()
	}
}

func TestVersionedBucketOnOSS(t *testing.T) {
	s := oss.New(oss.Options{})
	t.Cleanup(s.Close)
	s.AddBucket("plain")
	s.AddBucket("versioned").SetVersioning("Suspended")
	url := s.Start()
	look := func(name string) []doctor.Check {
		b, err := bucket.Open(t.Context(), "oss://"+name+"?region=cn-hangzhou&endpoint="+url, bucket.WithOSS(alibaba.Static("ak", "secret", "")))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = b.Close() }()
		at := doctor.Bucket{Bucket: b}
		return append(quick.Output(t.Context(), "output", at), quick.State(t.Context(), "state", at, "muleaudit"))
	}
	for _, mayAsk := range []bool{true, false} {
		for _, c := range look("plain") {
			if !c.OK() {
				t.Errorf("plain: %+v", c)
			}
			if c.Name == "state" && strings.Contains(c.Detail, "oss:GetBucketVersioning") == mayAsk {
				t.Errorf("may ask %v: %+v", mayAsk, c)
			}
		}
		for _, c := range look("versioned") {
			if c.OK() || !strings.Contains(c.Problem.Error(), "versioning is") {
				t.Errorf("versioned, may ask %v: %+v", mayAsk, c)
			}
		}
		s.Deny("oss:GetBucketVersioning")
	}
}
