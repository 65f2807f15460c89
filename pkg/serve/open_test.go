package serve_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/siemfeed/siemfeed/pkg/alibaba"
	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/config"
	"github.com/siemfeed/siemfeed/pkg/emulator/oss"
	"github.com/siemfeed/siemfeed/pkg/serve"
)

func TestOpener(t *testing.T) {
	var closed []string
	end := func(name string) func() error {
		return func() error { closed = append(closed, name); return nil }
	}
	open := serve.NewOpener(t.Context())
	state := open.Bucket("STATE_URL", "mem://")
	open.Add("A_URL", nil, end("a"))
	open.Add("B_URL", nil, end("b"))
	open.Add("C_URL", nil, nil)
	if err := open.Err(); err != nil || state == nil || len(closed) > 0 {
		t.Fatal(err, closed)
	}
	if err := open.Close(); err != nil || !reflect.DeepEqual(closed, []string{"b", "a"}) {
		t.Error(err, closed)
	}
	if _, err := state.Keys(t.Context(), ""); err == nil {
		t.Error("the bucket is still open")
	}
}

// All faults are told at once, and what could be opened is closed.
func TestOpenerFaults(t *testing.T) {
	open := serve.NewOpener(t.Context())
	good := open.Bucket("STATE_URL", "mem://")
	bad := open.Bucket("DEST_URL", "file:///nonexistent/dir")
	closed := false
	open.Add("GOOD_URL", nil, func() error { closed = true; return nil })
	open.Add("HEC_URL", errors.New("no host"), func() error { t.Error("closed what was not opened"); return nil })
	var faults config.Faults
	if err := open.Err(); !errors.As(err, &faults) || len(faults) != 2 || faults[0].Var != "DEST_URL" || faults[1].Var != "HEC_URL" || bad != nil || !closed {
		t.Error(err, bad, closed)
	}
	if _, err := good.Keys(t.Context(), ""); err == nil {
		t.Error("the bucket is still open")
	}
	if fn, err := serve.Built[*stub](nil, errors.New("e")); fn != nil || err == nil {
		t.Error("a function beside an error")
	}
}

// A bucket that overwrites what must be created only once is refused at start;
// one that is only read may be such a bucket, and one that does not say is tried.
func TestOpenerRefusesAVersionedBucket(t *testing.T) {
	s := oss.New(oss.Options{})
	t.Cleanup(s.Close)
	s.AddBucket("versioned").SetVersioning("Enabled")
	base := "?region=cn-hangzhou&endpoint=" + s.Start()
	keys := bucket.WithOSS(alibaba.Static("ak", "secret", ""))
	for _, mayAsk := range []bool{true, false} {
		open := serve.NewOpener(t.Context())
		if open.Source("SOURCE_URL", "oss://versioned"+base, keys) == nil {
			t.Error("a source is refused")
		}
		open.Bucket("STATE_URL", "oss://versioned"+base, keys)
		err := open.Err()
		if mayAsk && (err == nil || !strings.Contains(err.Error(), "STATE_URL") || !strings.Contains(err.Error(), "use a bucket that never had it")) || !mayAsk && err != nil {
			t.Errorf("may ask %v: %v", mayAsk, err)
		}
		if err := open.Close(); err != nil {
			t.Error(err)
		}
		s.Deny("oss:GetBucketVersioning")
	}
}
