// Package inprocess hands a client's requests to an emulator without a network,
// so that a test can run in virtual time: in a bubble of testing/synctest time
// stands still while anybody waits for a socket.
package inprocess

import (
	"errors"
	"net/http"
	"net/http/httptest"
)

// Transport is an [http.RoundTripper] that is answered by a handler, whatever the
// request's address. A handler that gives up the connection, with
// [http.ErrAbortHandler], is an error of the request; so is one that comes to an
// end only after the request's context.
type Transport struct{ http.Handler }

// RoundTrip implements [http.RoundTripper].
func (t Transport) RoundTrip(r *http.Request) (res *http.Response, err error) {
	r = r.Clone(r.Context()) // what a server adds is no matter of the caller's
	if r.Body == nil {
		r.Body = http.NoBody
	}
	if r.Host == "" {
		r.Host = r.URL.Host
	}
	defer func() { _ = r.Body.Close() }()
	defer func() {
		if p := recover(); p == http.ErrAbortHandler { //nolint:errorlint // panicked with as it is
			res, err = nil, errors.New("connection reset")
		} else if p != nil {
			panic(p)
		}
	}()
	rec := httptest.NewRecorder()
	t.ServeHTTP(rec, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	res = rec.Result()
	res.Request = r
	return res, nil
}
