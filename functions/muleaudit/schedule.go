package muleaudit

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/siemfeed/siemfeed/pkg/cause"
	"github.com/siemfeed/siemfeed/pkg/doctor"
)

// quietRequests is what a run asks of the API for an organisation that has
// nothing new, at most.
const quietRequests = 3

// mostLoad is the share of the request budget that new events may take: the rest
// is for what is asked of every organisation, and to catch up.
const mostLoad = 0.9

// schedule is what decides whether runs keep up.
type schedule struct {
	orgs     int
	events   int64 // of all organisations, in 24 h
	pageSize int
	rate     int // requests a minute
	timeout  time.Duration
	// cut says that not all organisations could be asked.
	cut bool
}

// load is the share of the budget that the pages of new events take.
func (s schedule) load() float64 {
	return float64(s.events) / day.Minutes() / float64(s.pageSize) / float64(s.rate)
}

// floor is how long a run takes that asks about every organisation, without any
// event.
func (s schedule) floor() time.Duration {
	return minutes(float64(s.orgs*quietRequests) / float64(s.rate))
}

// run is how long one takes that begins when the last has ended: it reads what
// came in meanwhile. Meaningless from a load of 1 on.
func (s schedule) run() time.Duration { return minutes(s.floor().Minutes() / (1 - s.load())) }

func minutes(m float64) time.Duration {
	return time.Duration(math.Ceil(m*60)) * time.Second
}

// check computes whether what a run has to ask fits into its budget.
func (s schedule) check() doctor.Check {
	const name = "schedule"
	about := fmt.Sprintf("%d organisations with %d events in 24 h, at %d requests a minute", s.orgs, s.events, s.rate)
	if s.cut {
		about = "at least " + about
	}
	switch pages := s.load() * float64(s.rate); {
	case s.load() > mostLoad && s.pageSize < 200:
		return doctor.Failed(name, cause.Misconfigured, fmt.Errorf("%s: new events alone take %.1f requests a minute, so that runs never catch up", about, pages),
			fmt.Sprintf("set MULE_PAGE_SIZE=200 instead of %d", s.pageSize))
	case s.load() > mostLoad:
		return doctor.Failed(name, cause.Misconfigured, fmt.Errorf("%s: new events alone take %.1f requests a minute, so that runs never catch up", about, pages),
			"have MuleSoft raise the request budget of this control plane and set MULE_RATE_PER_MIN to it, or export fewer organisations (MULE_ORG_ID, MULE_INCLUDE_SUBORGS)")
	case s.run() > s.timeout:
		return doctor.Failed(name, cause.Misconfigured, errors.New(about+": a run that asks about all of them takes "+s.run().String()+", and RUN_TIMEOUT is "+s.timeout.String()),
			fmt.Sprintf("set RUN_TIMEOUT=%s or more and schedule runs no closer than that; where the platform ends runs before (Cloud Run functions that events wake: 9m), export fewer organisations, or raise the budget (MULE_RATE_PER_MIN) if MuleSoft grants it", s.run()))
	}
	return doctor.Passed(name, "%s: a run takes %s of its %s; schedule it every %s or less often", about, s.run(), s.timeout, max(s.run().Truncate(time.Minute)+time.Minute, time.Minute))
}
