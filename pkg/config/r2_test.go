package config_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/config"
)

func TestR2(t *testing.T) {
	keys := map[string]string{"R2_ACCESS_KEY_ID": "id", "R2_SECRET_ACCESS_KEY": "hush"}
	for _, tc := range []struct {
		name, url string
		env       map[string]string
		want      []string
	}{
		{"not r2", "s3://b?region=x", nil, nil},
		{"nothing set", "r2://b", nil, []string{"R2_ACCESS_KEY_ID", "R2_ACCOUNT_ID", "R2_SECRET_ACCESS_KEY"}},
		{"account in the URL", "r2://b?account_id=a1", keys, nil},
		{"no account", "r2://b", keys, []string{"R2_ACCOUNT_ID"}},
		{"endpoint", "r2://b", map[string]string{"R2_ACCESS_KEY_ID": "id", "R2_SECRET_ACCESS_KEY": "hush", "R2_ENDPOINT": "http://127.0.0.1:1"}, nil},
		{"plain endpoint", "s3://b", map[string]string{"R2_ENDPOINT": "http://r2.example"}, []string{"R2_ENDPOINT"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var c config.R2
			if err := config.Load(t.Context(), envconfig.MapLookuper(tc.env), &c); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range c.ValidateR2(map[string]string{"SOURCE_URL": tc.url}) {
				got = append(got, f.Var)
			}
			slices.Sort(got)
			if !slices.Equal(got, tc.want) {
				t.Errorf("faults of %v, want %v", got, tc.want)
			}
			if len(tc.want) > 0 {
				return
			}
			b, err := bucket.Open(t.Context(), tc.url, c.Keys())
			if err != nil {
				t.Fatal(err)
			}
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestR2SecretIsNotPrinted(t *testing.T) {
	k := bucket.R2{AccessKeyID: "id", SecretAccessKey: "hush"}
	for _, text := range []string{fmt.Sprint(k), fmt.Sprintf("%+v %#v", k, k), k.LogValue().String()} {
		if strings.Contains(text, "hush") {
			t.Errorf("printed: %s", text)
		}
	}
}
