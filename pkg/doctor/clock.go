package doctor

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/siemfeed/siemfeed/pkg/cause"
	"github.com/siemfeed/siemfeed/pkg/proxy"
	"github.com/siemfeed/siemfeed/pkg/version"
)

// maxSkew is how wrong a clock may be before signatures and windows suffer.
const maxSkew = time.Minute

// Clock compares this machine's clock with the Date header that url answers. It
// is the first question: what it cannot reach, no other can.
func (x Examiner) Clock(ctx context.Context, s Subject, url string) Check {
	const name = "clock"
	ctx, cancel := x.limit(ctx)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, url, nil)
	if err != nil {
		return Failed(name, cause.Misconfigured, err, "correct the URL in "+s.Where)
	}
	req.Header.Set("User-Agent", version.UserAgent())
	transport := proxy.Transport()
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	asked := time.Now()
	resp, err := client.Do(req)
	if err != nil {
		return s.Failed(name, err)
	}
	defer func() { _ = resp.Body.Close() }()
	there, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return Passed(name, "%s does not tell its time", url)
	}
	// The server's clock is in seconds, and read at some moment in between.
	now := time.Now()
	skew := max(there.Sub(now), asked.Add(-time.Second).Sub(there), 0)
	if skew > maxSkew {
		return Failed(name, cause.ClockOff, fmt.Errorf("%v away from %s", skew.Round(time.Second), url), "set the clock (NTP): windows would end too early or too late")
	}
	return Passed(name, "agrees with %s", url)
}
