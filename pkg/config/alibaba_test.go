package config_test

import (
	"strings"
	"testing"

	"github.com/siemfeed/siemfeed/pkg/config"
)

func TestValidateOSS(t *testing.T) {
	var a config.Alibaba
	if f := a.ValidateOSS("gs://b", "s3://c?region=x", "", "oss:broken"); f.Err() != nil {
		t.Errorf("asked for credentials that nothing needs: %v", f.Err())
	}
	if err := a.ValidateOSS("gs://b", "oss://logs?region=cn-hangzhou").Err(); err == nil || !strings.Contains(err.Error(), "SLS_AK_ID") {
		t.Errorf("no credentials: %v", err)
	}
	a.KeyID, a.Key = "ak", "hushhush"
	if err := a.ValidateOSS("oss://logs?region=cn-hangzhou").Err(); err != nil {
		t.Error(err)
	}
	if c, err := a.Provider().Credentials(t.Context()); err != nil || c.AccessKeyID != "ak" || c.AccessKeySecret != "hushhush" {
		t.Errorf("%v, %v", c, err)
	}
}
