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
	"strings"
	"sync"
	"sync/atomic"
	"time"

	sdk "github.com/aliyun/aliyun-log-go-sdk"
	consumer "github.com/aliyun/aliyun-log-go-sdk/consumer"
	kit "github.com/go-kit/kit/log"
	"github.com/klauspost/compress/gzip"
	"github.com/pierrec/lz4/v4"
)

// What slshec is measured against.
const (
	byteWork  = "bytes"    // unpack the page, pack or copy the body; nothing is sent
	oneByOne  = "one"      // the vendor's sample: a request an event
	sdkWorker = "consumer" // the SDK's consumer library, in batches like ours
)

// slshecRival forwards BENCH_PAGES pages a shard, the way BENCH_RIVAL names.
func slshecRival(ctx context.Context) error {
	pages, err := strconv.Atoi(os.Getenv("BENCH_PAGES"))
	if err != nil {
		return err
	}
	h := &collector{url: os.Getenv("HEC_URL") + "/services/collector/event", token: os.Getenv("HEC_TOKEN"), gzip: os.Getenv("HEC_GZIP") == "true"}
	switch name := os.Getenv("BENCH_RIVAL"); name {
	case byteWork:
		return workBytes(pages, h.gzip)
	case oneByOne:
		return forwardOneByOne(ctx, h)
	case sdkWorker:
		return consume(ctx, h, int64(pages)*slsPageLogs)
	default:
		return fmt.Errorf("no rival is called %q", name)
	}
}

// workBytes unpacks a page and packs the body that is made of it, or copies it,
// in pieces of a batch's size.
func workBytes(pages int, zip bool) error {
	page, err1 := os.ReadFile("page")
	body, err2 := os.ReadFile("body")
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	raw := make([]byte, 16<<20)
	copied := make([]byte, batchBytes)
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err != nil {
		return err
	}
	for range pages {
		if _, err := lz4.UncompressBlock(page, raw); err != nil {
			return err
		}
		for rest := body; len(rest) > 0; {
			n := min(batchBytes, len(rest))
			if zip {
				out.Reset()
				z.Reset(&out)
				_, err1 := z.Write(rest[:n])
				if err := errors.Join(err1, z.Close()); err != nil {
					return err
				}
			} else {
				copy(copied, rest[:n])
			}
			rest = rest[n:]
		}
	}
	return nil
}

// batchBytes is the function's default.
const batchBytes = 1 << 20

// forwardOneByOne reads with the SDK's client and posts each log on its own,
// over one connection that is kept.
func forwardOneByOne(ctx context.Context, h *collector) error {
	c := &sdk.Client{Endpoint: sdkEndpoint, AccessKeyID: os.Getenv("SLS_AK_ID"), AccessKeySecret: os.Getenv("SLS_AK_KEY")}
	c.SetHTTPClient(sdkHTTP())
	project, logstore := os.Getenv("SLS_PROJECT"), os.Getenv("SLS_LOGSTORE")
	cursor, err1 := c.GetCursor(project, logstore, 0, "begin")
	end, err2 := c.GetCursor(project, logstore, 0, "end")
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	for cursor != end {
		list, next, err := c.PullLogsV2(&sdk.PullLogRequest{Project: project, Logstore: logstore, Cursor: cursor, LogGroupMaxCount: 1000, CompressType: sdk.Compress_LZ4})
		if err != nil {
			return err
		}
		for _, g := range list.LogGroups {
			for _, l := range g.Logs {
				body, err := json.Marshal(newEvent(g, l))
				if err != nil {
					return err
				}
				if err := h.post(ctx, append(body, '\n')); err != nil {
					return err
				}
			}
		}
		cursor = next
	}
	return nil
}

// consume has the SDK's consumer library read, and posts batches of the
// function's size.
func consume(ctx context.Context, h *collector, logs int64) error {
	var seen atomic.Int64
	done := make(chan error, 1)
	finish := func(err error) {
		select {
		case done <- err:
		default:
		}
	}
	process := func(_ int, list *sdk.LogGroupList, track consumer.CheckPointTracker) (string, error) {
		if len(list.LogGroups) == 0 {
			return "", nil // at the end of a shard it is called with nothing
		}
		n, err := h.postAll(ctx, list)
		if err == nil {
			err = track.SaveCheckPoint(false)
		}
		if seen.Add(n) >= logs || err != nil {
			finish(err)
		}
		return "", err
	}
	w := consumer.InitConsumerWorkerWithCheckpointTracker(consumer.LogHubConfig{
		Endpoint: sdkEndpoint, AccessKeyID: os.Getenv("SLS_AK_ID"), AccessKeySecret: os.Getenv("SLS_AK_KEY"),
		Project: os.Getenv("SLS_PROJECT"), Logstore: os.Getenv("SLS_LOGSTORE"),
		ConsumerGroupName: os.Getenv("SLS_CG"), ConsumerName: "bench", CursorPosition: consumer.BEGIN_CURSOR,
		HTTPClient: sdkHTTP(), Logger: kit.NewNopLogger(), DisableRuntimeMetrics: true,
	}, process)
	w.Start()
	err := <-done
	stopped := make(chan struct{})
	go func() { w.StopAndWait(); close(stopped) }()
	select {
	case <-stopped:
	case <-time.After(10 * time.Second): // it is known to hang
	}
	return err
}

// postAll posts the logs of a list in batches and returns how many there were.
func (h *collector) postAll(ctx context.Context, list *sdk.LogGroupList) (n int64, err error) {
	batch, _ := h.batches.Get().(*bytes.Buffer)
	if batch == nil {
		batch = bytes.NewBuffer(make([]byte, 0, batchBytes+batchBytes/8))
	}
	defer h.batches.Put(batch)
	batch.Reset()
	enc := json.NewEncoder(batch)
	enc.SetEscapeHTML(false)
	for _, g := range list.LogGroups {
		for _, l := range g.Logs {
			if err := enc.Encode(newEvent(g, l)); err != nil {
				return n, err
			}
			n++
			if batch.Len() < batchBytes {
				continue
			}
			if err := h.post(ctx, batch.Bytes()); err != nil {
				return n, err
			}
			batch.Reset()
		}
	}
	if batch.Len() == 0 {
		return n, nil
	}
	return n, h.post(ctx, batch.Bytes())
}

// event is what one would send without much thought.
type event struct {
	Time  float64           `json:"time"`
	Host  string            `json:"host"`
	Event map[string]string `json:"event"`
}

func newEvent(g *sdk.LogGroup, l *sdk.Log) event {
	e := event{Time: float64(l.GetTime()) + float64(l.GetTimeNs())/1e9, Host: g.GetSource(), Event: make(map[string]string, len(l.Contents)+len(g.LogTags)+1)}
	for _, c := range l.Contents {
		e.Event[c.GetKey()] = c.GetValue()
	}
	e.Event["__topic__"] = g.GetTopic()
	for _, t := range g.LogTags {
		e.Event["__tag__:"+t.GetKey()] = t.GetValue()
	}
	return e
}

// collector posts to HEC.
type collector struct {
	url, token string
	gzip       bool
	batches    sync.Pool // of *bytes.Buffer
	zips       sync.Pool // of *gzip.Writer
}

func (h *collector) post(ctx context.Context, body []byte) error {
	if h.gzip {
		z, _ := h.zips.Get().(*gzip.Writer)
		if z == nil {
			z, _ = gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is valid
		}
		defer h.zips.Put(z)
		var out bytes.Buffer
		z.Reset(&out)
		_, err := z.Write(body)
		if err := errors.Join(err, z.Close()); err != nil {
			return err
		}
		body = out.Bytes()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Splunk "+h.token)
	if h.gzip {
		req.Header.Set("Content-Encoding", "gzip")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, res.Body)
	if res.StatusCode != http.StatusOK {
		err = errors.Join(err, fmt.Errorf("HEC answered %d", res.StatusCode))
	}
	return errors.Join(err, res.Body.Close())
}

// sdkEndpoint is a name, since the SDK puts the project's in front of it.
const sdkEndpoint = "http://bench.log.aliyuncs.com"

// sdkHTTP dials the emulator, whatever the name.
func sdkHTTP() *http.Client {
	addr := strings.TrimPrefix(os.Getenv("SLS_ENDPOINT"), "http://")
	return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}}}
}
