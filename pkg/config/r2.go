package config

import "github.com/siemfeed/siemfeed/pkg/bucket"

// R2 is the configuration of a function that opens r2:// URLs.
type R2 struct {
	R2AccountID       string `env:"R2_ACCOUNT_ID" help:"Cloudflare account id, for r2:// URLs without account_id"`
	R2AccessKeyID     string `env:"R2_ACCESS_KEY_ID" help:"access key id of an R2 API token; required for r2:// URLs"`
	R2SecretAccessKey Secret `env:"R2_SECRET_ACCESS_KEY" help:"its secret access key; required for r2:// URLs"`
	R2Endpoint        string `env:"R2_ENDPOINT" help:"overrides https://<account>.r2.cloudflarestorage.com"`
}

// Keys returns what [bucket.Open] needs for r2:// URLs.
func (c *R2) Keys() bucket.Option {
	return bucket.WithR2(bucket.R2{
		AccountID:       c.R2AccountID,
		AccessKeyID:     c.R2AccessKeyID,
		SecretAccessKey: c.R2SecretAccessKey.Reveal(),
		Endpoint:        c.R2Endpoint,
	})
}

// ValidateR2 tells what is missing for those of the bucket URLs, by the name
// of their variable, that are r2://.
func (c *R2) ValidateR2(urls map[string]string) (f Faults) {
	if c.R2Endpoint != "" {
		f.AddErr("R2_ENDPOINT", CheckEndpoint(c.R2Endpoint, false, ""))
	}
	keys := false
	for name, raw := range urls {
		a, err := bucket.Parse(raw)
		if err != nil || a.Scheme != "r2" {
			continue
		}
		keys = true
		if a.Param("account_id") == "" && a.Param("endpoint") == "" && c.R2AccountID == "" && c.R2Endpoint == "" {
			f.Add("R2_ACCOUNT_ID", "required for %s, or account_id=… in it", name)
		}
	}
	if keys && c.R2AccessKeyID == "" {
		f.Add("R2_ACCESS_KEY_ID", "required for r2:// URLs: the access key id of an R2 API token")
	}
	if keys && c.R2SecretAccessKey == "" {
		f.Add("R2_SECRET_ACCESS_KEY", "required for r2:// URLs: the secret access key of that token")
	}
	return f
}
