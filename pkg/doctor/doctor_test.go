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
	"github.com/siemfeed/siemfeed/pkg/doctor"
	"github.com/siemfeed/siemfeed/pkg/emulator/oss"
)

func TestBuckets(t *testing.T) {
	dir := t.TempDir()
	b, err := bucket.Open(t.Context(), "file://"+dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range append(doctor.Output(t.Context(), "output", b), doctor.State(t.Context(), "state", b, "muleaudit")) {
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
	for _, c := range append(doctor.Output(t.Context(), "output", b), doctor.State(t.Context(), "state", b, "muleaudit")) {
		if c.OK() || c.Fix == "" {
			t.Errorf("passed without a directory: %+v", c)
		}
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
		if c := doctor.Clock(t.Context(), srv.Client(), srv.URL); c.OK() != tc.ok {
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
		return append(doctor.Output(t.Context(), "output", b), doctor.State(t.Context(), "state", b, "muleaudit"))
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
