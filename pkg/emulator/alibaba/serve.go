package alibaba

import (
	"fmt"
	"net/http"
	"time"
)

// services are told apart by the version that a call names.
var services = map[string]string{
	"2015-04-01": "STS",
	"2018-08-28": "Tag",
	"2014-05-26": "ECS",
	"2014-05-15": "SLB",
}

// operation is a call that a service takes.
type operation struct {
	// run returns the body of the answer. It holds the server's lock.
	run func(*Server, *request) (any, *failure)
	// permission is what a RAM policy has to allow.
	permission string
	// open needs no signature.
	open bool
}

var operations = map[string]operation{
	"STS AssumeRole":         {run: assumeRole},
	"STS GetCallerIdentity":  {run: callerIdentity},
	"STS AssumeRoleWithOIDC": {run: assumeRoleWithOIDC, open: true},
	"Tag ListTagResources":   {run: listByARN, permission: "tag:ListTagResources"},
	"ECS ListTagResources":   {run: listByID, permission: "ecs:ListTagResources"},
	"SLB ListTagResources":   {run: listByID, permission: "slb:ListTagResources"},
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if s.opts.Latency > 0 && !sleep(r, s.opts.Latency) {
		return
	}
	q, f := read(w, r)
	if f != nil {
		f.write(w, r.Host)
		return
	}
	body, t, f := s.decide(q)
	if t.Delay > 0 && !sleep(r, t.Delay) {
		return
	}
	switch {
	case f != nil:
		f.write(w, r.Host)
	case t.Hang:
		<-r.Context().Done()
	case t.Body != "":
		_, _ = w.Write([]byte(t.Body))
	default:
		answer(w, http.StatusOK, body)
	}
}

func sleep(r *http.Request, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

func (s *Server) decide(q *request) (body any, t Trouble, f *failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	service := services[q.version]
	op, ok := operations[service+" "+q.action]
	if !ok {
		return nil, t, fail(http.StatusNotFound, "InvalidAction.NotFound", "Specified api is not found, please check your url and method.")
	}
	if !op.open {
		if f := s.authenticate(q); f != nil {
			return nil, t, f
		}
		q.account = s.accounts[q.key.account]
	}
	// STS is asked by one account for another, which its counts and troubles are of.
	about := q.account
	if service == "STS" {
		about = s.roleOwner(q.params.Get("RoleArn"))
	}
	if about == nil {
		about = s.accounts[s.opts.Account]
	}
	call := Call{about.id, service, q.action}
	s.calls[call]++
	s.ids[call] += len(q.list("ResourceId")) + len(q.list("ResourceARN"))
	if t = about.troubled(service); t.Code != "" {
		f := fail(statuses[t.Code], t.Code, "Request was denied: %s.", t.Code)
		if f.status == 0 {
			f.status = http.StatusBadRequest
		}
		if t.RetryAfter > 0 {
			f.header = http.Header{"Retry-After": {fmt.Sprint(int(t.RetryAfter / time.Second))}}
		}
		return nil, t, f
	}
	asks := about // who is asked for; but who asks counts at STS, "user flow control"
	if service == "STS" && q.account != nil {
		asks = q.account
	}
	if !asks.admit(service, s.opts.CallsPerSecond) {
		return nil, t, fail(http.StatusBadRequest, "Throttling.User", "Request was denied due to user flow control.")
	}
	if op.permission != "" && about.denied[op.permission] {
		return nil, t, forbidden()
	}
	body, f = op.run(s, q)
	return body, t, f
}

func forbidden() *failure {
	return fail(http.StatusForbidden, "NoPermission", "You are not authorized to do this action. You should be authorized by RAM.")
}

// admit counts a call against the account's rate.
func (a *Account) admit(service string, most int) bool {
	if most == 0 {
		return true
	}
	now := time.Now()
	recent := a.calls[service]
	for len(recent) > 0 && now.Sub(recent[0]) >= time.Second {
		recent = recent[1:]
	}
	if len(recent) >= most {
		a.calls[service] = recent
		return false
	}
	a.calls[service] = append(recent, now)
	return true
}
