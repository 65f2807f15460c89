package alitags

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/siemfeed/siemfeed/pkg/alibaba"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

const (
	mostCalls     = 8  // of one account at once
	mostCallsEver = 64 // of all
	mostUnproven  = 48 // of those that nobody knows of whether they are answered
	mostAside     = 32 // of those that were not, at once
	longestPause  = 10 * time.Second
	sessionLife   = time.Hour // what a role allows unless it was changed
)

// account is one that is asked: by which right, and how fast. But for the
// session, which has a turn of its own, it is guarded by the client's lock.
type account struct {
	id     string
	direct bool // by the key itself

	running int
	limit   int       // of running
	pause   time.Time // no call begins before it is over
	strikes int       // throttled so often in a row
	wake    *time.Timer

	denied  time.Time // until when its role is not asked for again
	failing time.Time // since when STS gives no answer for it, zero if it does
	stsErr  error     // the last of these
	again   time.Time // before it STS is not asked again
	taken   string    // id of the session that a service took last

	turn    chan struct{} // holds one token: one AssumeRole at a time
	session alibaba.Credentials
	opened  time.Time
	renew   time.Time
	end     time.Time
}

func newAccount(id string, direct bool) *account {
	return &account{id: id, direct: direct, limit: mostCalls, turn: make(chan struct{}, 1)}
}

// may tells whether a call can begin.
func (a *account) may(now time.Time) bool { return a.running < a.limit && !now.Before(a.pause) }

// throttle slows the account down, and returns for how long to leave it alone.
// Calls that were refused together are one reason to: those that come back while
// the account is left alone already wait until that is over, and for a while, so
// that they do not go out together again.
func (a *account) throttle(now time.Time, asked time.Duration) time.Duration {
	if left := a.pause.Sub(now); left > 0 && asked <= left {
		return left + rand.N(2*left)
	}
	wait := time.Second << min(a.strikes, 4)
	wait = max(min(wait/2+rand.N(wait), longestPause), asked)
	a.strikes++
	a.limit = max(1, a.limit/2)
	a.pause = now.Add(wait)
	return wait
}

// answered lets it go faster again.
func (a *account) answered() {
	a.strikes = 0
	a.limit = min(mostCalls, a.limit+1)
}

// credentials returns the right to ask the account: the key, or a session that
// is opened when there is none, or soon will be none.
func (c *Client) credentials(ctx context.Context, a *account) (alibaba.Credentials, error) {
	if a.direct {
		return c.opts.Key, nil
	}
	select {
	case a.turn <- struct{}{}:
		defer func() { <-a.turn }()
	case <-ctx.Done():
		return alibaba.Credentials{}, context.Cause(ctx)
	}
	now := time.Now()
	if now.Before(a.renew) {
		return a.session, nil
	}
	if err := c.stsSaid(a, now); err != nil { // to who had the turn before
		return alibaba.Credentials{}, err
	}
	session, end, err := c.session(ctx, a)
	if err != nil && now.Before(a.end) {
		a.renew = now.Add(min(time.Minute, a.end.Sub(now)/2)) // it is good still
		return a.session, nil
	}
	c.heard(ctx, a, err)
	if err != nil {
		c.control(ctx, a)
		return alibaba.Credentials{}, err
	}
	now = time.Now() // its turn may have been long in coming
	life := end.Sub(now)
	a.session, a.opened, a.end, a.renew = session, now, end, end.Add(-min(5*time.Minute, life/5))
	return session, nil
}

// session asks STS for a session once it is the account's turn.
func (c *Client) session(ctx context.Context, a *account) (alibaba.Credentials, time.Time, error) {
	if err := c.sts.acquire(ctx); err != nil {
		return alibaba.Credentials{}, time.Time{}, err
	}
	session, end, err := c.assume(ctx, a)
	c.sts.release(err)
	return session, end, err
}

// stsSaid is what STS said about an account, while that counts.
func (c *Client) stsSaid(a *account, now time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case now.Before(a.denied):
		return retry.Permanent(errDenied)
	case now.Before(a.again):
		return a.stsErr
	}
	return nil
}

// drop forgets a session that a service does not take any more. One that none has
// ever taken is tried for a while: another would fare no better.
func (a *account) drop(session alibaba.Credentials, taken bool) {
	a.turn <- struct{}{}
	if a.session == session && (taken || time.Since(a.opened) >= time.Minute) {
		a.session, a.renew, a.end = alibaba.Credentials{}, time.Time{}, time.Time{}
	}
	<-a.turn
}

// errDenied says that the role of an account may not be assumed.
var errDenied = errors.New("the account's role cannot be assumed")

// assume opens a session. The error is a [FaultError] where the key is wrong.
func (c *Client) assume(ctx context.Context, a *account) (alibaba.Credentials, time.Time, error) {
	c.count(func(s *Stats) { s.AssumeRole++ })
	var out struct {
		Credentials struct {
			AccessKeyID     string `json:"AccessKeyId"`
			AccessKeySecret string
			SecurityToken   string
			Expiration      time.Time
		}
	}
	err := c.calls.call(ctx, c.endpoint(versionSTS, ""), c.opts.Key, versionSTS, "AssumeRole", map[string]string{
		"RoleArn": "acs:ram::" + a.id + ":role/" + c.opts.Role, "RoleSessionName": SessionName,
		"DurationSeconds": fmt.Sprint(int(sessionLife / time.Second)),
	}, &out)
	got := out.Credentials
	switch {
	case err == nil && got.AccessKeyID != "" && got.AccessKeySecret != "" && got.SecurityToken != "" && got.Expiration.After(time.Now()):
		return alibaba.Credentials{AccessKeyID: got.AccessKeyID, AccessKeySecret: got.AccessKeySecret, SecurityToken: got.SecurityToken}, got.Expiration, nil
	case err == nil:
		return alibaba.Credentials{}, time.Time{}, errors.New("AssumeRole: an answer without a session")
	}
	switch judge(err) {
	case ownFault:
		err = &FaultError{retry.Permanent(err)}
	case denied, missing, refused, unsupported:
		err = fmt.Errorf("%w: %w", errDenied, err)
	}
	return alibaba.Credentials{}, time.Time{}, err
}

// heard takes note of how STS answered for an account.
func (c *Client) heard(ctx context.Context, a *account, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	switch {
	case err == nil:
		a.denied, a.failing, a.again, a.stsErr = time.Time{}, time.Time{}, time.Time{}, nil
		c.stsGood = now
	case errors.Is(err, errDenied):
		a.denied, a.failing, a.again, a.stsErr = now.Add(c.jittered()), time.Time{}, time.Time{}, nil
		c.stsGood = now
	case IsFault(err), ctx.Err() != nil, judge(err) == throttled:
	default:
		if a.failing.IsZero() {
			a.failing = now
		}
		a.stsErr = err
		// The longer it has failed, the later it is tried again.
		a.again = now.Add(min(now.Sub(a.failing)/2, time.Minute))
	}
}

// control asks STS something that is about no account where it gives no answer for
// this one: if it answers that, it is in reach, and what is wrong is the
// account's own affair.
func (c *Client) control(ctx context.Context, a *account) {
	c.mu.Lock()
	out := c.outOfReach(a) != nil
	c.mu.Unlock()
	if !out {
		return
	}
	var refusal *APIError
	if _, err := c.KeyAccount(ctx); err != nil && (!errors.As(err, &refusal) || judge(err) == transient) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stsGood = time.Now()
}

// outOfReach is the fault of an STS that gives no answer, neither for this
// account nor, since then, to anything else; nil if there is none.
func (c *Client) outOfReach(a *account) error {
	if a.stsErr == nil || !c.stsGood.Before(a.failing) {
		return nil
	}
	return &FaultError{fmt.Errorf("STS cannot be reached (STS_ENDPOINT): %w", a.stsErr)}
}
