package main

import (
	"context"

	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/config"
	"github.com/siemfeed/siemfeed/pkg/format"
	"github.com/siemfeed/siemfeed/pkg/serve"
)

// stateConfig is what every function's state can be found by.
type stateConfig struct {
	config.R2
	config.Alibaba
	config.Common
}

// Validate implements [config.Validator].
func (c *stateConfig) Validate() config.Faults {
	f := c.Common.Validate("", nil)
	f = append(f, c.ValidateR2(map[string]string{"STATE_URL": c.StateURL, "QUARANTINE_URL": c.QuarantineURL})...)
	return append(f, c.ValidateOSS(c.StateURL, c.QuarantineURL)...)
}

// stateBuckets are where functions keep what they did and what they rejected.
type stateBuckets struct {
	state, rejected *bucket.Bucket
	open            *serve.Opener
}

// openState opens them for reading, by the environment. It needs no function's
// own configuration.
func openState(ctx context.Context) (*stateBuckets, error) {
	var cfg stateConfig
	if err := config.Load(ctx, envconfig.OsLookuper(), &cfg); err != nil {
		return nil, err
	}
	open := serve.NewOpener(ctx)
	keys := []bucket.Option{cfg.Keys(), bucket.WithOSS(cfg.Alibaba.Provider())}
	b := &stateBuckets{
		state:    open.Source("STATE_URL", cfg.StateURL, keys...),
		rejected: open.Source("QUARANTINE_URL", cfg.QuarantineURL, keys...),
		open:     open,
	}
	if err := open.Err(); err != nil {
		return nil, err
	}
	format.Protect(b.state)
	format.Protect(b.rejected)
	return b, nil
}

func (b *stateBuckets) close() { _ = b.open.Close() }
