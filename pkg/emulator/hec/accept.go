package hec

import (
	"bytes"
	"net/http"
	"strconv"
	"time"
)

// events handles the event and raw endpoints.
func (s *Server) events(raw bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		o := s.options()
		token, code := authorize(&o, r)
		var channel string
		if code == 0 {
			channel, code = channelOf(r, token.UseACK)
		}
		if code != 0 {
			s.refuse(w, &o, answer{Code: code})
			return
		}
		buf, _ := bodies.Get().(*bytes.Buffer)
		buf.Reset()
		defer bodies.Put(buf)
		wire, status := read(&o, r, buf)
		switch status {
		case 0:
		case http.StatusBadRequest:
			s.refuse(w, &o, answer{Code: 6})
			return
		default:
			s.refusePage(w, status)
			return
		}
		if o.Firewall != nil {
			if status := o.Firewall(buf.Bytes()); status != 0 {
				s.refusePage(w, status)
				return
			}
		}
		if o.Busy {
			s.busy(w, &o)
			return
		}
		s.take(w, r, &o, request{token: token, channel: channel, raw: raw, body: buf.Bytes(), wire: wire})
	}
}

// request is an event request past its door checks.
type request struct {
	token   Token
	channel string
	raw     bool
	body    []byte
	wire    int64
}

func (s *Server) take(w http.ResponseWriter, r *http.Request, o *Options, q request) {
	var events []Event
	var code int
	n := 0
	switch {
	case o.CountOnly:
		n = bytes.Count(q.body, []byte{'\n'})
	case q.raw:
		v := r.URL.Query()
		events, code = o.lines(q.body, Event{
			Host: v.Get("host"), Source: v.Get("source"), Sourcetype: v.Get("sourcetype"), Index: v.Get("index"),
		})
		n = len(events)
	default:
		events, code = o.parse(q.body, q.token)
		n = len(events)
	}
	refusal := answer{Code: code}
	if code != 0 && code != 5 && !o.OmitEventNumber {
		number := n + o.EventNumberOffset
		refusal.InvalidEventNumber = &number
	}
	if code != 0 && (!o.Partial || n == 0) {
		s.refuse(w, o, refusal)
		return
	}
	if o.BusyAfter != nil && code == 0 {
		if fit := o.BusyAfter(n); fit < n {
			events, n, code = events[:fit], fit, 9
			refusal = answer{Code: code, InvalidEventNumber: &fit}
		}
	}

	now := time.Now()
	s.mu.Lock()
	ok, nearlyFull := s.queue.offer(n, o, now)
	s.mu.Unlock()
	if !ok {
		s.busy(w, o)
		return
	}
	if o.OnAccept != nil {
		o.OnAccept(events)
	}
	ids := make([]string, 0, len(events))
	for _, ev := range events {
		ids = append(ids, ev.ID)
	}
	reply := answer{}
	s.mu.Lock()
	s.stats.Events += int64(n)
	s.stats.Bytes += int64(len(q.body))
	s.stats.Wire += q.wire
	s.record.accept(ids)
	if q.token.UseACK {
		id := s.channels.issue(q.channel, now.Add(o.AckDelay), ids)
		reply.AckID, refusal.AckID = &id, &id
	}
	s.mu.Unlock()
	s.delay(r, o)
	if code != 0 {
		s.refuse(w, o, refusal)
		return
	}
	if nearlyFull {
		reply.Code = 24
	}
	writeAnswer(w, reply)
}

func (s *Server) delay(r *http.Request, o *Options) {
	if o.Latency <= 0 {
		return
	}
	t := time.NewTimer(o.Latency)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
	}
}

func (s *Server) busy(w http.ResponseWriter, o *Options) {
	if o.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((o.RetryAfter+time.Second-1)/time.Second)))
	}
	s.refuse(w, o, answer{Code: o.BusyCode})
}

func (s *Server) refuse(w http.ResponseWriter, o *Options, a answer) {
	s.count(func(st *Stats) { st.Refused++ })
	if o.AlwaysOK {
		a.Text = replies[a.Code].text
		writeJSON(w, http.StatusOK, a)
		return
	}
	writeAnswer(w, a)
}

// refusePage answers for someone other than HEC.
func (s *Server) refusePage(w http.ResponseWriter, status int) {
	s.count(func(st *Stats) { st.Refused++ })
	writeHTML(w, status)
}

func (s *Server) count(f func(*Stats)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.stats)
}
