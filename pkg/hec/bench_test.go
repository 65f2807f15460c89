package hec

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"testing"

	"github.com/klauspost/compress/gzip"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/hec"
)

// auditLogs are the values of logs as a Kubernetes audit logstore has them.
func auditLogs(n int) [][][2]string {
	r := rand.New(rand.NewPCG(1, 2))
	logs := make([][][2]string, n)
	for i := range logs {
		logs[i] = [][2]string{
			{"__topic__", "audit_log"},
			{"auditID", fmt.Sprintf("%016x-%08x", r.Uint64(), r.Uint32())},
			{"user", fmt.Sprintf("system:serviceaccount:ns-%d:user%d", r.IntN(50), r.IntN(500))},
			{"verb", []string{"get", "list", "watch", "create"}[r.IntN(4)]},
			{"requestURI", fmt.Sprintf("/api/v1/namespaces/ns-%d/pods/pod-%x?watch=true&timeoutSeconds=%d", r.IntN(50), r.Uint32(), r.IntN(600))},
			{"sourceIPs", fmt.Sprintf("10.%d.%d.%d", r.IntN(8), r.IntN(256), r.IntN(256))},
			{"responseStatus", []string{"200", "201", "403", "404"}[r.IntN(4)]},
			{"requestObject", fmt.Sprintf(`{"kind":"Pod","metadata":{"name":"pod-%x","labels":{"app":"web","rev":"%d"}}}`, r.Uint32(), r.IntN(40))},
		}
	}
	return logs
}

func appendLog(dst []byte, i int, log [][2]string) []byte {
	dst = append(dst, `{"time":`...)
	dst = AppendTime(dst, 1700000000, uint32(i), true)
	dst = append(dst, `,"host":"10.0.0.1","source":"sls","sourcetype":"alibaba:audit","event":{`...)
	for k, f := range log {
		if k > 0 {
			dst = append(dst, ',')
		}
		dst, _ = AppendString(dst, f[0])
		dst = append(dst, ':')
		dst, _ = AppendString(dst, f[1])
	}
	dst = append(dst, `},"fields":{"sls_project":"p","sls_logstore":"l","sls_shard":"1","sls_id":"1:1700000000:`...)
	dst = strconv.AppendInt(dst, int64(i), 10)
	return append(dst, `"}}`...)
}

func benchBatch(b *testing.B, c *Client, logs [][][2]string) *Batch {
	batch, err := c.Batch(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	for i := 0; !batch.Full(); i++ {
		batch.Append(Pos{}, func(dst []byte) []byte { return appendLog(dst, i, logs[i%len(logs)]) })
	}
	return batch
}

// BenchmarkSend builds and sends batches to a server that only reads them; its
// floor is to compress the same bodies and nothing else.
func BenchmarkSend(b *testing.B) {
	logs := auditLogs(2000)
	sink := roundTripper(func(r *http.Request) (*http.Response, error) {
		_, err := io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
		return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, err
	})
	for _, zip := range []bool{true, false} {
		c, err := New(Options{URLs: []string{"https://a"}, Token: testToken, Gzip: zip, HTTPClient: &http.Client{Transport: sink}})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("gzip=%t", zip), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				batch := benchBatch(b, c, logs)
				b.SetBytes(int64(batch.Size()))
				if _, err := c.Send(b.Context(), batch); err != nil {
					b.Fatal(err)
				}
				batch.Release()
			}
		})
		b.Run(fmt.Sprintf("floor/gzip=%t", zip), func(b *testing.B) {
			batch := benchBatch(b, c, logs)
			defer batch.Release()
			b.SetBytes(int64(batch.Size()))
			var out bytes.Buffer
			z, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				out.Reset()
				if !zip {
					_, _ = out.Write(batch.Bytes())
					continue
				}
				z.Reset(&out)
				if _, err := z.Write(batch.Bytes()); err != nil {
					b.Fatal(err)
				}
				if err := z.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
		if err := c.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCollector sends to the counting emulator over a real connection, the
// work of both ends included.
func BenchmarkCollector(b *testing.B) {
	s := emulator.New(emulator.Options{Tokens: []emulator.Token{{Value: testToken}}, CountOnly: true}).Start()
	defer s.Close()
	c, err := New(Options{URLs: []string{s.URL()}, Token: testToken})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = c.Close(b.Context()) }()
	batch := benchBatch(b, c, auditLogs(2000))
	b.SetBytes(int64(batch.Size()))
	for b.Loop() {
		if _, err := c.Send(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	batch.Release()
}
