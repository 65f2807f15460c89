package anypoint_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/siemfeed/siemfeed/pkg/anypoint"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "s3cr3t-do-not-print"

var (
	from  = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	query = anypoint.Query{Org: "org-1", From: from, To: from.Add(time.Hour)}
)

// api is a server with a working token endpoint and the given answers, in
// order, to everything else; the last one repeats.
type api struct {
	*httptest.Server
	tokens, calls atomic.Int64
	answers       []func(http.ResponseWriter, *http.Request)
	token         func(http.ResponseWriter, *http.Request)
}

func serve(t *testing.T, answers ...func(http.ResponseWriter, *http.Request)) *api {
	a := &api{answers: answers}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/token") {
			n := a.tokens.Add(1)
			if a.token != nil {
				a.token(w, r)
				return
			}
			_, _ = fmt.Fprintf(w, `{"access_token":"t%d","expires_in":3600}`, n)
			return
		}
		n := int(a.calls.Add(1))
		body, err := io.ReadAll(r.Body) // or the server does not notice a caller that leaves
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		a.answers[min(n, len(a.answers))-1](w, r)
	}))
	t.Cleanup(a.Close)
	return a
}

func (a *api) client(t *testing.T, change ...func(*anypoint.Options)) *anypoint.Client {
	o := anypoint.Options{
		BaseURL: a.URL, ClientID: "id", ClientSecret: secret, RatePerMinute: 6_000_000,
		Retry:    retry.Policy{Attempts: 3, Base: time.Millisecond, Max: time.Millisecond},
		MinPause: time.Millisecond, MaxPause: 2 * time.Millisecond, MaxPauses: 4,
	}
	for _, f := range change {
		f(&o)
	}
	c := anypoint.New(o)
	t.Cleanup(c.CloseIdle)
	return c
}

func status(code int, body string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

// seen records what a query handed out.
type seen struct {
	starts  []int
	entries []string
	ends    int
	fail    error
}

func (s *seen) PageStart(attempt int) { s.starts = append(s.starts, attempt) }
func (s *seen) Entry(raw []byte) error {
	s.entries = append(s.entries, string(raw))
	return s.fail
}
func (s *seen) Reject(r anypoint.Rejected) error {
	b, err := io.ReadAll(r.Record)
	s.entries = append(s.entries, fmt.Sprintf("%s %d.%d %.20s", r.Code, r.Page, r.Index, b))
	return errors.Join(err, s.fail)
}
func (s *seen) PageEnd(bool) error { s.ends++; return nil }

func TestErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		answer    func(http.ResponseWriter, *http.Request)
		kind      anypoint.Kind
		permanent bool
		calls     int64
		says      string
	}{
		"403":         {status(403, `{}`), anypoint.Scope, true, 1, `organisation org-1: the connected app may not do this here: grant it the scope "Audit Log Viewer"`},
		"404":         {status(404, `{}`), anypoint.NotFound, true, 1, "organisation org-1: unknown organisation: check MULE_ORG_ID"},
		"400":         {status(400, "startDate:\n  bad"), anypoint.BadRequest, true, 1, "startDate: bad (HTTP 400)"},
		"401 twice":   {status(401, ``), anypoint.Auth, true, 2, "a new token was refused too"},
		"302":         {status(302, ``), anypoint.BadRequest, true, 1, "MULE_BASE_URL"},
		"500":         {status(500, `oops`), anypoint.Server, false, 3, "after 3 attempts: anypoint: organisation org-1: the API failed: oops (HTTP 500)"},
		"503":         {status(503, ``), anypoint.Throttled, false, 4, "slow down"},
		"429":         {status(429, ``), anypoint.Throttled, false, 4, "slow down"},
		"cut short":   {status(200, `{"data":[{"a":1}`), anypoint.Protocol, false, 3, "the JSON ends early"},
		"HTML":        {status(200, `<html>`), anypoint.Protocol, false, 3, "bad JSON at byte 0"},
		"no data":     {status(200, `{"message":"ok"}`), anypoint.Protocol, false, 3, "no data in it"},
		"same cursor": {status(200, `{"data":[1],"cursor":"x"}`), anypoint.Protocol, false, 4, "the pages would never end"},
	} {
		t.Run(name, func(t *testing.T) {
			a := serve(t, tt.answer)
			_, err := a.client(t).Entries(t.Context(), query, &seen{})
			var e *anypoint.Error
			if !errors.As(err, &e) || e.Kind != tt.kind || retry.IsPermanent(err) != tt.permanent || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("err = %v (permanent %v)", err, retry.IsPermanent(err))
			}
			if e != nil && e.Org != "org-1" {
				t.Errorf("organisation = %q", e.Org)
			}
			if n := a.calls.Load(); n != tt.calls {
				t.Errorf("%d calls, want %d", n, tt.calls)
			}
		})
	}
}

func TestCredentialErrors(t *testing.T) {
	echo := func(code int) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, r *http.Request) { // a server that repeats what it was sent
			w.WriteHeader(code)
			_ = json.NewEncoder(w).Encode(map[string]string{"error": "invalid_client", "error_description": "no such client: " + r.FormValue("client_secret")})
		}
	}
	for name, tt := range map[string]struct {
		answer    func(http.ResponseWriter, *http.Request)
		kind      anypoint.Kind
		permanent bool
		says      string
	}{
		"401":      {echo(401), anypoint.Auth, true, "check CLIENT_ID and CLIENT_SECRET: invalid_client no such client: [redacted] (HTTP 401)"},
		"400":      {echo(400), anypoint.Auth, true, "check CLIENT_ID and CLIENT_SECRET"},
		"404":      {echo(404), anypoint.NotFound, true, "check MULE_BASE_URL"},
		"500":      {echo(500), anypoint.Server, false, "the token endpoint failed"},
		"no JSON":  {status(200, "access_token=tok"), anypoint.Protocol, false, "not JSON"},
		"no token": {status(200, "{}"), anypoint.Protocol, false, "no access_token"},
	} {
		t.Run(name, func(t *testing.T) {
			a := serve(t, status(200, `{"data":[]}`))
			a.token = tt.answer
			c := a.client(t)
			_, queried := c.Entries(t.Context(), query, &seen{})
			for _, err := range []error{c.Token(t.Context()), queried} {
				var e *anypoint.Error
				if !errors.As(err, &e) || e.Kind != tt.kind || retry.IsPermanent(err) != tt.permanent || !strings.Contains(err.Error(), tt.says) {
					t.Errorf("err = %v (permanent %v)", err, retry.IsPermanent(err))
				}
				for _, text := range []string{fmt.Sprint(err), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err)} {
					if strings.Contains(text, secret) {
						t.Errorf("the secret is in %s", text)
					}
				}
			}
		})
	}
}

func TestSecretIsNotPrinted(t *testing.T) {
	o := anypoint.Options{ClientID: "id", ClientSecret: secret}
	for _, v := range []any{o, &o, anypoint.New(o), *anypoint.New(o), struct{ c *anypoint.Client }{anypoint.New(o)}} {
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%d"} {
			if text := fmt.Sprintf(format, v); strings.Contains(text, secret) {
				t.Errorf("%s prints the secret: %s", format, text)
			}
		}
	}
}

func TestConcurrentCallersShareOneToken(t *testing.T) {
	var good atomic.Value
	good.Store("t1")
	a := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+good.Load().(string) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, `{"data":[]}`)
	})
	c := a.client(t)
	for round := int64(1); round <= 2; round++ {
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if _, err := c.Entries(t.Context(), query, &seen{}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := a.tokens.Load(); n != round {
			t.Errorf("%d tokens were asked for, want %d", n, round)
		}
		good.Store("t2") // revokes t1
	}
}

func TestRefusedCredentialsAreSharedToo(t *testing.T) {
	a := serve(t, status(200, `{"data":[]}`))
	release := make(chan struct{})
	a.token = func(w http.ResponseWriter, _ *http.Request) {
		<-release
		w.WriteHeader(http.StatusUnauthorized)
	}
	c := a.client(t)
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if err := c.Token(t.Context()); !retry.IsPermanent(err) {
				t.Errorf("err = %v", err)
			}
		})
	}
	time.Sleep(20 * time.Millisecond) // for most of them to wait
	close(release)
	wg.Wait()
	if n := a.tokens.Load(); n > 5 {
		t.Errorf("the token endpoint was asked %d times for 10 callers", n)
	}
}

func TestPageIsReadAgain(t *testing.T) {
	a := serve(t, status(200, `{"data":[{"a":1},{"a":2`), status(500, ``), status(200, `{"data":[{"a":1},{"a":2}],"cursor":7}`), status(200, `{"data":[]}`)) // and no total
	var s seen
	st, err := a.client(t, func(o *anypoint.Options) { o.Retry.Attempts = 5 }).Entries(t.Context(), query, &s)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(s.starts, s.entries, s.ends); got != `[1 2 1] [{"a":1} {"a":1} {"a":2}] 2` {
		t.Errorf("handler saw %s", got)
	}
	if st.Pages != 2 || st.Entries != 2 || st.Retries != 2 || st.Total != -1 || st.Bytes != 23+37+11 {
		t.Errorf("stats = %+v", st)
	}
}

func TestCursorGoesBackAsItCame(t *testing.T) {
	for _, cursor := range []string{`"123_abcd"`, `12345678901234567890`, `"a\u0062\/"`} {
		var second string
		a := serve(t, status(200, `{"cursor":`+cursor+`,"data":[1],"total":2}`), func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			second = string(b)
			_, _ = io.WriteString(w, `{"data":[2]}`) // the last, and it has no cursor
		})
		var s seen
		if _, err := a.client(t).Entries(t.Context(), query, &s); err != nil || len(s.entries) != 2 {
			t.Fatalf("%v, entries %v", err, s.entries)
		}
		if !strings.Contains(second, `"cursor":`+cursor) || !strings.Contains(second, `"startDate":"2026-02-28T23:59:59.999Z","endDate":"2026-03-01T01:00:00.000Z"`) {
			t.Errorf("second request: %s", second)
		}
	}
}

func TestHandlerErrorEndsTheQuery(t *testing.T) {
	a := serve(t, status(200, `{"data":[{},{}],"cursor":"x"}`))
	s := seen{fail: fmt.Errorf("disk full: %w", io.EOF)}
	_, err := a.client(t).Entries(t.Context(), query, &s)
	if err != s.fail || len(s.entries) != 1 || a.calls.Load() != 1 { //nolint:errorlint // the very error
		t.Errorf("err = %v after %d entries, %d calls", err, len(s.entries), a.calls.Load())
	}
}

func TestStalledAnswerIsReadAgain(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	a := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"data":[1`)
		w.(http.Flusher).Flush()
		select {
		case <-r.Context().Done():
		case <-stop:
		}
	}, status(200, `{"data":[]}`))
	var notified []error
	st, err := a.client(t, func(o *anypoint.Options) {
		o.IdleTimeout = 20 * time.Millisecond
		o.Notify = func(_ time.Duration, err error) { notified = append(notified, err) }
	}).Entries(t.Context(), query, &seen{})
	if err != nil || st.Retries != 1 {
		t.Fatalf("%v, %+v", err, st)
	}
	var e *anypoint.Error
	if len(notified) != 1 || !errors.As(notified[0], &e) || e.Kind != anypoint.Network || !strings.Contains(e.Error(), "nothing arrived") {
		t.Errorf("notified of %v", notified)
	}
}

func TestCancelEndsACall(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	a := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	_, err := a.client(t).Entries(ctx, query, &seen{})
	if !errors.Is(err, context.Canceled) || a.calls.Load() != 1 {
		t.Errorf("err = %v after %d calls", err, a.calls.Load())
	}
}

func TestTotal(t *testing.T) {
	for body, want := range map[string]int64{
		`{"data":[1],"total":12,"cursor":"x"}`: 12, `{"total":"7","data":[]}`: 7, `{"data":[],"total":null}`: -1, `{"data":[]}`: -1,
	} {
		a := serve(t, func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			if r.URL.Query().Get("doIncludeTotal") != "true" || !strings.Contains(string(b), `"limit":1`) {
				t.Errorf("request %s %s", r.URL, b)
			}
			_, _ = io.WriteString(w, body)
		})
		n, err := a.client(t).Total(t.Context(), query)
		if want >= 0 && (err != nil || n != want) || want < 0 && !retry.IsPermanent(err) {
			t.Errorf("%s: %d, %v", body, n, err)
		}
	}
}

func TestPlanes(t *testing.T) {
	for _, tt := range []struct {
		in, url string
		rate    int
	}{
		{"us", "https://anypoint.mulesoft.com", 700}, {" EU ", "https://eu1.anypoint.mulesoft.com", 40}, {"gov", "https://gov.anypoint.mulesoft.com", 40},
		{"ca", "https://ca1.platform.mulesoft.com", 40}, {"jp", "https://jp1.platform.mulesoft.com", 40},
	} {
		p, err := anypoint.ParsePlane(tt.in)
		if err != nil || p.BaseURL() != tt.url || p.RatePerMinute() != tt.rate {
			t.Errorf("%q: %v %s %d %v", tt.in, p, p.BaseURL(), p.RatePerMinute(), err)
		}
	}
	if _, err := anypoint.ParsePlane("mars"); err == nil || !strings.Contains(err.Error(), "us, eu, gov, ca or jp") {
		t.Errorf("err = %v", err)
	}
}

// A date in Retry-After is by the clock of the API, which may be off ours.
func TestRetryAfterIsByTheClockOfTheAPI(t *testing.T) {
	a := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		there := time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)
		w.Header().Set("Date", there)
		w.Header().Set("Retry-After", there)
		w.WriteHeader(http.StatusTooManyRequests)
	}, status(http.StatusOK, `{"data":[],"total":3}`))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	if n, err := a.client(t).Total(ctx, query); n != 3 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

// That the API takes its own cursor no more is an error of a kind of its own, and
// may pass; the same request is not made again.
func TestExpiredCursor(t *testing.T) {
	for _, code := range []int{http.StatusBadRequest, http.StatusGone} {
		a := serve(t, status(http.StatusOK, `{"data":[{}],"total":2,"cursor":"c"}`), status(code, `no such cursor`))
		st, err := a.client(t).Entries(t.Context(), query, &seen{})
		var e *anypoint.Error
		if !errors.As(err, &e) || e.Kind != anypoint.Expired || retry.IsPermanent(err) || st.Pages != 1 || a.calls.Load() != 2 {
			t.Errorf("%d: %v, %+v, %d calls", code, err, st, a.calls.Load())
		}
	}
}
