package serve

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"
)

// limits bound what a connection may keep waiting for. A run is bounded by
// nothing here: it may take longer than any of them.
type limits struct {
	header time.Duration // for the request's header to arrive
	body   time.Duration // for the whole request to arrive
	answer time.Duration // for the answer to be taken
	idle   time.Duration // between two requests
	bytes  int           // of a header
}

// ordinary are the limits of a function. The largest body any trigger sends, of
// 16 MiB, takes a minute at 2 Mbit/s. An idle connection stays open longer than
// the 600 s for which Google's load balancers use one again: where a server
// closes first, requests are lost (docs.cloud.google.com/load-balancing,
// "Timeouts and retries").
var ordinary = limits{
	header: 10 * time.Second, body: time.Minute, answer: time.Minute, idle: 620 * time.Second,
	bytes: 64 << 10,
}

// httpServer returns what serves h. It has no read and no write time-out of its
// own: both would go on during a run, and the first one would end the run's
// context (net/http takes a read that fails for a client that is gone).
//
// HTTP/2 without TLS is what Cloud Run speaks to a container where HTTP/2 is on
// end to end, and load balancers to one of that protocol, without asking first
// (docs.cloud.google.com/run/docs/configuring/http2).
func (l limits) httpServer(h http.Handler, log *slog.Logger) *http.Server {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Protocols:         &protocols,
		Handler:           l.bound(h),
		ReadHeaderTimeout: l.header,
		IdleTimeout:       l.idle,
		MaxHeaderBytes:    l.bytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// bound has each request arrive, and its answer taken, in time. Whoever has read
// the body calls [arrived].
func (l limits) bound(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(w)
		if err := c.SetReadDeadline(time.Now().Add(l.body)); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		ctx, cancel := untilCut(r.Context())
		defer cancel()
		// An answer waits until what is left of its request has arrived.
		next.ServeHTTP(&patient{w, l.body + l.answer}, r.WithContext(ctx))
	})
}

// arrived lifts the time limit of a request that has been read to its end: the
// connection is still listened to, to hear if the client goes away.
func arrived(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // not bounded where that is not supported
}

// patient is an answer that has its time to be taken from when it begins.
type patient struct {
	http.ResponseWriter
	most time.Duration
}

// WriteHeader implements [http.ResponseWriter].
func (p *patient) WriteHeader(status int) {
	_ = http.NewResponseController(p.ResponseWriter).SetWriteDeadline(time.Now().Add(p.most)) // bound found that deadlines can be set
	p.ResponseWriter.WriteHeader(status)
}

// Unwrap gives [http.ResponseController] what it looks for.
func (p *patient) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// untilCut gives ctx the deadline at which Cloud Run gives up a request, where
// it tells a function its time-out.
func untilCut(ctx context.Context) (context.Context, context.CancelFunc) {
	seconds, err := strconv.Atoi(os.Getenv("CLOUD_RUN_TIMEOUT_SECONDS"))
	if err != nil || seconds <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Duration(seconds)*time.Second)
}

// serveUntil serves s on ln until stop ends or the function cannot go on. Then
// it takes no more connections, has the runs under way end and be answered, and
// closes the function.
func (l limits) serveUntil(stop context.Context, ln net.Listener, s *server) error {
	srv := l.httpServer(s.guarded, s.log)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	select {
	case err := <-served: // it returns by itself only when it could not go on
		return errors.Join(err, s.close())
	case err := <-s.broken:
		return errors.Join(err, srv.Close(), s.close())
	case <-stop.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(stop), grace)
	defer cancel()
	down := make(chan error, 1)
	go func() { down <- srv.Shutdown(ctx) }()
	err := s.stop()
	select {
	case <-down:
	case <-time.After(farewell):
	}
	return errors.Join(err, srv.Close())
}

// farewell is how long a stop waits, when all runs are over, for connections on
// which a request has begun to arrive.
const farewell = time.Second
