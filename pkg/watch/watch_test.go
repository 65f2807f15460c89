package watch_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/siemfeed/siemfeed/pkg/watch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// next is a peer whose answers a test writes itself.
type next func(*http.Request) (*http.Response, error)

func (n next) RoundTrip(r *http.Request) (*http.Response, error) { return n(r) }

func status(code int, text string) *http.Response {
	return &http.Response{StatusCode: code, Status: http.StatusText(code), Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text))}
}

func ask(ctx context.Context, t *testing.T, rt http.RoundTripper, method string) error {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, "http://peer/", strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	res, err := rt.RoundTrip(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, res.Body)
	return errors.Join(err, res.Body.Close())
}

func names(list []watch.Trouble) string {
	var all []string
	for _, t := range list {
		all = append(all, t.String())
	}
	return strings.Join(all, "; ")
}

func TestWhatKeepsFailing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ctx := watch.New(t.Context())
		code := 503
		rt := watch.Transport(watch.ByMethod("DEST_URL"), next(func(*http.Request) (*http.Response, error) { return status(code, "slow down"), nil }))
		for range 5 {
			if err := ask(ctx, t, rt, http.MethodPut); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Second)
		}
		code = 404 // which is an answer
		if err := ask(ctx, t, rt, http.MethodGet); err != nil {
			t.Fatal(err)
		}
		got := w.Failing(10 * time.Second)
		if len(got) != 1 || got[0].String() != "DEST_URL (writing), for 10s: peer answered Service Unavailable: slow down" {
			t.Fatal(names(got))
		}
		if got := w.Failing(11 * time.Second); len(got) != 0 {
			t.Fatal(names(got))
		}
		code = 200
		if err := ask(ctx, t, rt, http.MethodPut); err != nil {
			t.Fatal(err)
		}
		if got := w.Failing(0); len(got) != 0 {
			t.Fatalf("it took the last one: %s", names(got))
		}
		if last, ok := w.Last(); !ok || !strings.Contains(last.Said, "slow down") {
			t.Fatalf("trouble that is over is told all the same: %v", last)
		}
	})
}

func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		w, ctx := watch.New(run)
		silent := next(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		rt := watch.Transport(watch.Always("HEC_URL"), silent)

		// Called off by whoever asked, for reasons of its own.
		off, callOff := context.WithCancel(ctx)
		time.AfterFunc(20*time.Second, callOff)
		if err := ask(off, t, rt, http.MethodPost); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if got := w.Failing(0); len(got) != 0 {
			t.Fatal(names(got))
		}
		// A time-out of the client's own is a failure.
		short, stop := context.WithTimeout(ctx, 5*time.Second)
		defer stop()
		if err := ask(short, t, rt, http.MethodPost); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		if got := w.Failing(5 * time.Second); len(got) != 1 || !strings.Contains(got[0].Said, "no answer in time") {
			t.Fatal(names(got))
		}
		// Cut off by the run's end, it is told by how long it had been silent.
		w, ctx = watch.New(run)
		if err := ask(ctx, t, rt, http.MethodPost); err == nil {
			t.Fatal("answered")
		}
		if got := w.Failing(35 * time.Second); len(got) != 1 || got[0].String() != "HEC_URL, for 35s: peer gave no answer for 35s" {
			t.Fatal(names(got))
		}
	})
}

func TestWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ctx := watch.New(t.Context())
		release := make(chan struct{})
		slow := func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodPut {
				buf := make([]byte, 1)
				for { // takes a byte a second
					if _, err := r.Body.Read(buf); err != nil {
						break
					}
					time.Sleep(time.Second)
				}
				<-release
			}
			return status(200, ""), nil
		}
		rt := watch.Transport(watch.Always("DEST_URL"), next(slow))
		done := make(chan error)
		go func() { done <- ask(ctx, t, rt, http.MethodPut) }()
		time.Sleep(4500 * time.Millisecond)
		if got := w.Failing(2 * time.Second); len(got) != 0 {
			t.Fatalf("bytes move: %s", names(got))
		}
		time.Sleep(10 * time.Second)
		if got := w.Failing(2 * time.Second); len(got) != 1 || !strings.Contains(got[0].Said, "no answer") {
			t.Fatalf("no byte moves any more: %s", names(got))
		}
		if err := ask(ctx, t, rt, http.MethodGet); err != nil {
			t.Fatal(err)
		}
		if got := w.Failing(2 * time.Second); len(got) != 0 {
			t.Fatalf("others are answered: %s", names(got))
		}
		close(release)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}

func TestBrokenAnswers(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "half")
	}))
	defer s.Close()
	w, ctx := watch.New(t.Context())
	c := http.Client{Transport: watch.Transport(watch.Always("SOURCE_URL"), http.DefaultTransport)}
	defer c.CloseIdleConnections()
	get := func(url string) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := c.Do(req)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, res.Body)
		return errors.Join(err, res.Body.Close())
	}
	if err := get(s.URL); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatal(err)
	}
	if got := names(w.Failing(0)); !strings.Contains(got, "broke off its answer") {
		t.Fatal(got)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := "http://" + l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := get(gone); err == nil {
		t.Fatal("answered")
	}
	if got := names(w.Failing(0)); !strings.Contains(got, "refused") {
		t.Fatal(got)
	}
}

// TestNoSecretIsQuoted has servers repeat what they were sent.
func TestNoSecretIsQuoted(t *testing.T) {
	for name, header := range map[string]string{"Authorization": "Splunk s3cret-token", "X-Acs-Security-Token": "s3cret-token", "Content-Type": "application/x-www-form-urlencoded"} {
		w, ctx := watch.New(t.Context())
		rt := watch.Transport(watch.Always("X"), next(func(*http.Request) (*http.Response, error) {
			return status(500, "you said s3cret-token to us"), nil
		}))
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://peer/", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(name, header)
		res, err := rt.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		if err != nil || string(body) != "you said s3cret-token to us" {
			t.Fatalf("%q, %v", body, err)
		}
		if err := res.Body.Close(); err != nil {
			t.Fatal(err)
		}
		if got := names(w.Failing(0)); strings.Contains(got, "s3cret") || !strings.Contains(got, "answered") {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestBodiesArriveWhole reads long and short bad answers through the quote.
func TestBodiesArriveWhole(t *testing.T) {
	_, ctx := watch.New(t.Context())
	for _, n := range []int{0, 1, 399, 400, 401, 10_000} {
		want := strings.Repeat("x", n)
		rt := watch.Transport(watch.Always("X"), next(func(*http.Request) (*http.Response, error) { return status(500, want), nil }))
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://peer/", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := rt.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(res.Body)
		if err != nil || string(got) != want {
			t.Errorf("%d bytes: %d came, %v", n, len(got), err)
		}
		if err := res.Body.Close(); err != nil {
			t.Error(err)
		}
	}
}
