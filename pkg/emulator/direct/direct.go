// Package direct takes requests to an emulator without a network, so that a test
// can run on synctest's clock.
package direct

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
)

// errReset is the error of a request whose handler was aborted, done or not.
var errReset = errors.New("connection reset by peer")

// Transport answers requests by calling h. What a network does is kept: h goes
// on where the client is cut off, hears of it by the request's context, and an
// aborted handler is a broken connection.
func Transport(h http.Handler) http.RoundTripper { return transport{h} }

type transport struct{ h http.Handler }

// RoundTrip implements [http.RoundTripper].
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	in, err := received(r)
	if err != nil {
		return nil, err
	}
	rec := httptest.NewRecorder()
	done := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				if p != http.ErrAbortHandler { //nolint:errorlint // net/http compares it so, too
					panic(p)
				}
				done <- errReset
			}
		}()
		t.h.ServeHTTP(rec, in)
		done <- nil
	}()
	select {
	case err = <-done:
	case <-r.Context().Done():
		err = r.Context().Err()
	}
	if err != nil {
		return nil, err
	}
	res := rec.Result()
	res.Request = r
	return res, nil
}

// received is r as a server sees it.
func received(r *http.Request) (*http.Request, error) {
	var body []byte
	if r.Body != nil {
		var err error
		body, err = io.ReadAll(r.Body)
		if err = errors.Join(err, r.Body.Close()); err != nil {
			return nil, err
		}
	}
	in := r.Clone(r.Context())
	in.Body = io.NopCloser(bytes.NewReader(body))
	in.ContentLength = int64(len(body))
	in.RequestURI = r.URL.RequestURI()
	in.RemoteAddr = "192.0.2.1:1234" // for documentation (RFC 5737)
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	return in, nil
}
