package sls_test

import (
	"context"
	"fmt"

	"github.com/siemfeed/siemfeed/pkg/alibaba"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// One bounded run: every shard is read up to where it ends now.
func Example() {
	ctx := context.Background()
	c, err := sls.New("cn-hangzhou.log.aliyuncs.com", "my-project", "audit",
		alibaba.Static("id", "secret", ""), sls.Options{Region: "cn-hangzhou"})
	if err != nil {
		return
	}
	defer c.Close()
	forward := sls.ProcessorFunc(func(ctx context.Context, p *sls.Page, done sls.Done) error {
		var g sls.Group
		var l sls.Log
		groups := p.Groups()
		for groups.Next(&g) {
			logs := g.Reader()
			for logs.Next(&l) {
				// The same log has the same id on every delivery.
				_ = fmt.Sprintf("%d:%d:%d", p.Shard, g.Cursor, l.Index)
			}
			if logs.Err() != nil {
				return logs.Err()
			}
		}
		done(nil, groups.Err()) // once the sink has it for good
		return nil
	})
	w, err := sls.NewWorker(c, "siemfeed", "drain", forward, sls.WorkerOptions{Start: sls.Begin, Drain: true})
	if err != nil {
		return
	}
	result, err := w.Run(ctx)
	fmt.Println(result.Complete(), err)
}
