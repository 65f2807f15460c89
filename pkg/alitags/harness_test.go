package alitags_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/siemfeed/siemfeed/pkg/alibaba"
	"github.com/siemfeed/siemfeed/pkg/alitags"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/alibaba"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	management = "1000000000000001"
	member     = "1000000000000002"
	other      = "1000000000000003"
	region     = "cn-hangzhou"
)

// wire takes requests to the emulator without a socket, so that time can be
// virtual.
type wire struct {
	handler http.Handler
	// cut, if set, breaks requests before they get there.
	cut func(*http.Request) error
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if w.cut != nil {
		if err := w.cut(r); err != nil {
			return nil, err
		}
	}
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		_ = r.Body.Close()
	}
	in := httptest.NewRequestWithContext(r.Context(), r.Method, r.URL.String(), bytes.NewReader(body))
	in.Header = r.Header.Clone()
	in.Host = r.Host
	rec := httptest.NewRecorder()
	done := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- errors.New("connection reset by peer") // http.ErrAbortHandler
			}
		}()
		w.handler.ServeHTTP(rec, in)
		done <- nil
	}()
	select {
	case err := <-done:
		if err != nil {
			return nil, err
		}
		return rec.Result(), nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// world is a cloud with three accounts and a client.
type world struct {
	*alitags.Client
	cloud           *emulator.Server
	wire            *wire
	management      *emulator.Account
	member, another *emulator.Account
}

func newWorld(t testing.TB, cloud emulator.Options, change ...func(*alitags.Options)) *world {
	t.Helper()
	cloud.Account = management
	w := &world{cloud: emulator.New(cloud)}
	w.management, w.member, w.another = w.cloud.AddAccount(management), w.cloud.AddAccount(member), w.cloud.AddAccount(other)
	w.wire = &wire{handler: w.cloud}
	w.Client = w.open(t, change...)
	return w
}

// open makes another client of the same cloud, as a process that starts does.
func (w *world) open(t testing.TB, change ...func(*alitags.Options)) *alitags.Client {
	t.Helper()
	o := alitags.Options{
		Account: management, Key: alibaba.Credentials{AccessKeyID: "ak", AccessKeySecret: "secret"},
		Endpoints: alitags.Endpoints{STS: "http://127.0.0.1:1", Tag: "http://127.0.0.1:1", ECS: "http://127.0.0.1:1", SLB: "http://127.0.0.1:1"},
		Transport: w.wire,
	}
	for _, f := range change {
		f(&o)
	}
	c, err := alitags.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func instance(account string, n int) alitags.Resource {
	return alitags.Resource{Account: account, Region: region, Type: "ACS::ECS::Instance", ID: fmt.Sprintf("i-%05d", n)}
}

func made(r alitags.Resource) emulator.Resource {
	return emulator.Resource{Region: r.Region, Type: r.Type, ID: r.ID}
}

// create makes n instances with a tag that is their number.
func create(a *emulator.Account, n int) {
	for i := range n {
		a.Create(made(instance(a.ID(), i)), map[string]string{"n": fmt.Sprint(i)})
	}
}

// got is what a lookup came to.
type got struct {
	alitags.Answer
	err   error
	after time.Duration
}

// all looks many resources up at once.
func all(ctx context.Context, c *alitags.Client, rs []alitags.Resource, e alitags.Event) []got {
	out := make([]got, len(rs))
	var wg sync.WaitGroup
	began := time.Now()
	for i, r := range rs {
		wg.Add(1)
		c.Lookup(ctx, r, e, func(a alitags.Answer, err error) {
			out[i] = got{a, err, time.Since(began)}
			wg.Done()
		})
	}
	wg.Wait()
	return out
}

// one looks one resource up and fails the test on an error.
func one(t *testing.T, c *alitags.Client, r alitags.Resource, e alitags.Event) alitags.Answer {
	t.Helper()
	a, err := c.Get(t.Context(), r, e)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func want(t *testing.T, a alitags.Answer, s alitags.Status, tags map[string]string) {
	t.Helper()
	if a.Status != s || a.Tags != alitags.MakeTags(tags) {
		t.Errorf("%s %v, want %s %v", a.Status, a.Tags.Map(), s, tags)
	}
}

// calls counts the calls to a service about an account.
func (w *world) calls(service, account string) int {
	return w.cloud.Calls()[emulator.Call{Account: account, Service: service, Action: "ListTagResources"}]
}

func (w *world) ids(service, account string) int {
	return w.cloud.IDs()[emulator.Call{Account: account, Service: service, Action: "ListTagResources"}]
}
