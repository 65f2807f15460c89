package main

import (
	"context"
	"fmt"
	"os"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/oss"
)

type emulateOSS struct {
	listenFlags
	Bucket     []string `help:"Names of the buckets." default:"logs"`
	Region     string   `help:"Region that signatures must hold." default:"cn-hangzhou"`
	Versioning string   `help:"State of versioning in all of them: Enabled or Suspended." enum:",Enabled,Suspended" default:""`
}

// Run implements the command.
func (e *emulateOSS) Run(ctx context.Context) error {
	s := emulator.New(emulator.Options{Region: e.Region})
	if err := e.inject(s.Faults); err != nil {
		return err
	}
	for _, name := range e.Bucket {
		b := s.AddBucket(name)
		if e.Versioning != "" {
			b.SetVersioning(e.Versioning)
		}
	}
	return e.serve(ctx, s, func(url string) {
		for _, name := range e.Bucket {
			fmt.Fprintf(os.Stderr, "SLS_AK_ID=ak SLS_AK_KEY=secret STATE_URL='oss://%s?region=%s&endpoint=%s'\n", name, e.Region, url)
		}
	})
}
