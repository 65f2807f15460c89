package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	sdk "github.com/aliyun/aliyun-log-go-sdk"
	consumer "github.com/aliyun/aliyun-log-go-sdk/consumer"
	"github.com/klauspost/compress/gzip"
	"github.com/pierrec/lz4/v4"

	"github.com/siemfeed/siemfeed/pkg/sls"
)

// slshecFloor is what slshec is held against; BENCH_FLOOR picks.
func slshecFloor(ctx context.Context) error {
	blocks, err := strconv.Atoi(os.Getenv("BENCH_BLOCKS"))
	if err != nil {
		return err
	}
	switch kind := os.Getenv("BENCH_FLOOR"); kind {
	case "gzip", "copy":
		return byteWork(ctx, blocks, kind == "gzip")
	case "one":
		return oneEventARequest(ctx)
	case "sdk":
		return sdkConsumer(ctx, blocks)
	default:
		return fmt.Errorf("floor %q", kind)
	}
}

// firstPage pulls a block.
func firstPage(ctx context.Context) (*sls.Client, *sls.Page, error) {
	c, err := sls.New(os.Getenv("SLS_ENDPOINT"), "project", "logstore", sls.StaticCredentials("ak", "secret", ""), sls.Options{})
	if err != nil {
		return nil, nil, err
	}
	cursor, err := c.Cursor(ctx, 0, sls.Begin)
	if err != nil {
		return nil, nil, err
	}
	page, err := c.Pull(ctx, sls.PullRequest{Cursor: cursor})
	return c, page, err
}

// byteWork is the part of the work that no program can leave out: to unpack
// what SLS sends, and to pack, or at least to copy, what Splunk gets.
func byteWork(ctx context.Context, blocks int, compress bool) error {
	c, page, err := firstPage(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	body, err := os.ReadFile(os.Getenv("BENCH_BODY"))
	if err != nil {
		return err
	}
	packed := make([]byte, lz4.CompressBlockBound(len(page.Raw)))
	n, err := lz4.CompressBlock(page.Raw, packed, nil)
	if err != nil {
		return err
	}
	raw := make([]byte, len(page.Raw))
	out := bytes.NewBuffer(make([]byte, 0, 2<<20))
	z, err := gzip.NewWriterLevel(out, gzip.BestSpeed)
	if err != nil {
		return err
	}
	for range blocks {
		if _, err := lz4.UncompressBlock(packed[:n], raw); err != nil {
			return err
		}
		for rest := body; len(rest) > 0; {
			part := rest[:min(1<<20, len(rest))]
			rest = rest[len(part):]
			out.Reset()
			if !compress {
				out.Write(part)
				continue
			}
			z.Reset(out)
			if _, err := z.Write(part); err != nil {
				return err
			}
			if err := z.Close(); err != nil {
				return err
			}
		}
	}
	return nil
}

// post sends a body to HEC as the vendor's sample does.
func post(ctx context.Context, client *http.Client, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, os.Getenv("HEC_URL")+"/services/collector/event", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Splunk "+os.Getenv("HEC_TOKEN"))
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, res.Body)
	if res.StatusCode != http.StatusOK {
		err = errors.Join(err, fmt.Errorf("HEC answered %d", res.StatusCode))
	}
	return errors.Join(err, res.Body.Close())
}

// jsonEvent is one log as encoding/json writes it.
func jsonEvent(g *sdk.LogGroup, l *sdk.Log) ([]byte, error) {
	event := map[string]string{"__topic__": g.GetTopic()}
	for _, t := range g.LogTags {
		event["__tag__:"+t.GetKey()] = t.GetValue()
	}
	for _, c := range l.Contents {
		event[c.GetKey()] = c.GetValue()
	}
	return json.Marshal(map[string]any{"time": l.GetTime(), "host": g.GetSource(), "event": event})
}

// oneEventARequest reads shard 0 with the fastest reader there is, and posts
// each event on its own: the sample's loop, in Go.
func oneEventARequest(ctx context.Context) error {
	c, page, err := firstPage(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	for {
		list := new(sdk.LogGroupList)
		if err := list.Unmarshal(page.Raw); err != nil {
			return err
		}
		page.Release()
		for _, g := range list.LogGroups {
			for _, l := range g.Logs {
				body, err := jsonEvent(g, l)
				if err != nil {
					return err
				}
				if err := post(ctx, http.DefaultClient, body); err != nil {
					return err
				}
			}
		}
		next := page.Next
		if page, err = c.Pull(ctx, sls.PullRequest{Cursor: next}); err != nil {
			return err
		}
		if page.Next == next {
			return nil
		}
	}
}

// sdkConsumer reads with the vendor's consumer library, which works at all
// shards, and posts encoding/json's text in batches of a megabyte.
func sdkConsumer(ctx context.Context, blocks int) error {
	addr := os.Getenv("SLS_ENDPOINT")
	var done atomic.Int64
	var failed atomic.Value
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", addr)
	}
	w := consumer.InitConsumerWorkerWithCheckpointTracker(consumer.LogHubConfig{
		Endpoint: "http://bench.local", AccessKeyID: "ak", AccessKeySecret: "secret",
		Project: "project", Logstore: "logstore", ConsumerGroupName: os.Getenv("SLS_CG"), ConsumerName: "bench",
		CursorPosition: consumer.BEGIN_CURSOR, HTTPClient: &http.Client{Transport: &http.Transport{DialContext: dial}},
		AllowLogLevel: "error",
	}, func(_ int, list *sdk.LogGroupList, tracker consumer.CheckPointTracker) (string, error) {
		var body []byte
		for _, g := range list.LogGroups {
			for _, l := range g.Logs {
				event, err := jsonEvent(g, l)
				if err != nil {
					return "", err
				}
				if body = append(append(body, event...), '\n'); len(body) >= 1<<20 {
					if err := post(ctx, http.DefaultClient, body); err != nil {
						failed.Store(err)
						return "", err
					}
					body = body[:0]
				}
			}
		}
		if len(body) > 0 {
			if err := post(ctx, http.DefaultClient, body); err != nil {
				failed.Store(err)
				return "", err
			}
		}
		done.Add(int64(len(list.LogGroups)))
		return "", tracker.SaveCheckPoint(false)
	})
	w.Start()
	defer w.StopAndWait()
	// Every shard holds blocks; one shard's worth is enough to measure.
	want, err := groupsOf(ctx)
	if err != nil {
		return err
	}
	for done.Load() < want*int64(blocks) {
		if err, ok := failed.Load().(error); ok {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
	return nil
}

// groupsOf counts the LogGroups of a block.
func groupsOf(ctx context.Context) (int64, error) {
	c, page, err := firstPage(ctx)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	defer page.Release()
	return int64(page.Count), nil
}
