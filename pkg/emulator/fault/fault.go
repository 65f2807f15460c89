// Package fault makes an emulator fail the way a real service does: errors,
// throttling, connections cut before, during or after the work, bodies that
// end early. Faults are drawn from a seed, so that a failing run can be played
// again.
package fault

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"
)

// Kind is one way to fail.
type Kind string

// The kinds of fault an [Injector] can draw.
const (
	None        Kind = ""
	Error500    Kind = "500"         // answered 500, nothing done
	Error503    Kind = "503"         // answered 503, nothing done
	Error429    Kind = "429"         // answered 429, nothing done
	Error401    Kind = "401"         // answered 401, nothing done
	Error403    Kind = "403"         // answered 403, nothing done
	ResetBefore Kind = "reset"       // connection reset, nothing done
	ResetAfter  Kind = "reset-after" // done, then reset before the answer: the caller cannot know
	ResetMid    Kind = "reset-mid"   // done, reset half-way through the answer's body
	Truncate    Kind = "truncate"    // done, the body ends early but in good HTTP order
	Slow        Kind = "slow"        // done after Injector.Delay
)

// Injector draws a fault for each request. It is safe for concurrent use; the
// zero value injects nothing.
type Injector struct {
	// Delay is how long Slow waits.
	Delay time.Duration
	// Answer writes the service's own body for the Error kinds; by default
	// the body is empty.
	Answer func(w http.ResponseWriter, r *http.Request, status int)
	// Match limits random faults to the requests it accepts; nil means all.
	Match func(*http.Request) bool

	mu     sync.Mutex
	rng    *rand.Rand
	rates  []rate
	script []scripted
	counts map[Kind]int
}

type rate struct {
	kind Kind
	p    float64
}

type scripted struct {
	match func(*http.Request) bool
	kind  Kind
}

// Random makes each matching request fail with the given probabilities, drawn
// from seed. Their sum should stay below 1. An empty map ends random faults.
func (i *Injector) Random(seed uint64, rates map[Kind]float64) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.rng = rand.New(rand.NewPCG(seed, seed^0x9e3779b97f4a7c15))
	i.rates = i.rates[:0]
	// In a fixed order, since a map's would undo the seed.
	for _, k := range []Kind{Error500, Error503, Error429, Error401, Error403, ResetBefore, ResetAfter, ResetMid, Truncate, Slow} {
		if p := rates[k]; p > 0 {
			i.rates = append(i.rates, rate{k, p})
		}
	}
}

// Next makes the next request that match accepts (nil: any) fail with kind,
// once. Calls queue up.
func (i *Injector) Next(kind Kind, match func(*http.Request) bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.script = append(i.script, scripted{match, kind})
}

// Counts returns how many faults of each kind were injected.
func (i *Injector) Counts() map[Kind]int {
	i.mu.Lock()
	defer i.mu.Unlock()
	out := make(map[Kind]int, len(i.counts))
	for k, n := range i.counts {
		out[k] = n
	}
	return out
}

func (i *Injector) draw(r *http.Request) Kind {
	i.mu.Lock()
	defer i.mu.Unlock()
	kind := None
	for n, s := range i.script {
		if s.match == nil || s.match(r) {
			i.script = append(i.script[:n], i.script[n+1:]...)
			kind = s.kind
			break
		}
	}
	if kind == None && i.rng != nil && (i.Match == nil || i.Match(r)) {
		x := i.rng.Float64()
		for _, c := range i.rates {
			if x -= c.p; x < 0 {
				kind = c.kind
				break
			}
		}
	}
	if kind != None {
		if i.counts == nil {
			i.counts = map[Kind]int{}
		}
		i.counts[kind]++
	}
	return kind
}

// Wrap returns h with i's faults in front of it.
func (i *Injector) Wrap(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch kind := i.draw(r); kind {
		case None:
			h.ServeHTTP(w, r)
		case Slow:
			t := time.NewTimer(i.Delay)
			defer t.Stop()
			select {
			case <-t.C:
				h.ServeHTTP(w, r)
			case <-r.Context().Done():
			}
		case ResetBefore:
			Reset(w)
		case ResetAfter:
			h.ServeHTTP(httptest.NewRecorder(), r)
			Reset(w)
		case ResetMid, Truncate:
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, r)
			body := rec.Body.Bytes()
			for k, v := range rec.Header() {
				w.Header()[k] = v
			}
			if kind == Truncate {
				w.Header().Del("Content-Length")
				w.WriteHeader(rec.Code)
				_, _ = w.Write(body[:len(body)/2])
				return
			}
			w.Header().Set("Content-Length", fmt.Sprint(len(body)+1))
			w.WriteHeader(rec.Code)
			_, _ = w.Write(body[:len(body)/2])
			if f, ok := w.(http.Flusher); ok {
				f.Flush()
			}
			Reset(w)
		default:
			status := map[Kind]int{Error500: 500, Error503: 503, Error429: 429, Error401: 401, Error403: 403}[kind]
			if i.Answer != nil {
				i.Answer(w, r, status)
				return
			}
			w.WriteHeader(status)
		}
	})
}

// Reset drops the client's connection with a TCP reset, as a crashed server or
// an idle load balancer does.
func Reset(w http.ResponseWriter) {
	hj, ok := w.(http.Hijacker)
	if !ok {
		panic(http.ErrAbortHandler)
	}
	conn, _, err := hj.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// ParseRates reads "500=0.1,reset-mid=0.05", the form of the emulators'
// --fault flag.
func ParseRates(s string) (map[Kind]float64, error) {
	out := map[Kind]float64{}
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		var p float64
		if _, err := fmt.Sscanf(value, "%g", &p); err != nil || p < 0 || p > 1 {
			return nil, fmt.Errorf("fault %q: want kind=probability, a number from 0 to 1", part)
		}
		switch k := Kind(name); k {
		case Error500, Error503, Error429, Error401, Error403, ResetBefore, ResetAfter, ResetMid, Truncate, Slow:
			out[k] = p
		default:
			return nil, fmt.Errorf("fault %q: unknown kind %q", part, name)
		}
	}
	return out, nil
}
