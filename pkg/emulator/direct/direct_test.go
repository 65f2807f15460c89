package direct_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siemfeed/siemfeed/pkg/emulator/direct"
)

func post(ctx context.Context, h http.HandlerFunc) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://host.example/a%2Fb?c=d", strings.NewReader("body"))
	if err != nil {
		return "", err
	}
	res, err := (&http.Client{Transport: direct.Transport(h)}).Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	return fmt.Sprint(res.StatusCode, " ", string(answer)), err
}

func TestRequestAsAServerSeesIt(t *testing.T) {
	got, err := post(t.Context(), func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusTeapot)
		_, _ = fmt.Fprint(w, r.Host, r.RequestURI, r.ContentLength, string(body), err)
	})
	if want := "418 host.example/a%2Fb?c=d4body<nil>"; got != want || err != nil {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
}

func TestAbortedHandlerIsABrokenConnection(t *testing.T) {
	done := false
	got, err := post(t.Context(), func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, "half")
		done = true
		panic(http.ErrAbortHandler)
	})
	if err == nil || !done {
		t.Errorf("%q, %v", got, err)
	}
}

// Whoever is cut off does not wait; the handler hears of it and goes on.
func TestCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		worked := make(chan time.Duration, 1)
		_, err := post(ctx, func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			time.Sleep(time.Second)
			worked <- time.Since(began)
		})
		if took := time.Since(began); err == nil || took != time.Second {
			t.Errorf("%v after %v", err, took)
		}
		if took := <-worked; took != 2*time.Second {
			t.Errorf("the handler worked for %v", took)
		}
	})
}
