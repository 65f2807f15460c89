package consume

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"regexp"
	"strings"
	"time"
)

// Names within SLS, derived where SLS_CONSUMER and SLS_CG do not give them. A
// name serves one purpose: two consumers that are alive must not share one, nor
// two groups of one project.

// deployment is what the names of all consumers of a function begin with that
// share STATE_URL, and no others.
func (c *Config) deployment(function string) string {
	return "siemfeed-" + function + "-" + digest(4, c.StateURL)
}

// drainConsumer is the same on every drain, so that a new run owns its shards
// at once: runs of one function that share STATE_URL share a lease.
func (c *Config) drainConsumer(function string) string {
	return cmp.Or(c.Consumer, c.deployment(function))
}

// followConsumer is a process's own, for as long as it lives: under another
// name it would wait for the old one to time out.
func (c *Config) followConsumer(function string) string {
	host, _ := os.Hostname() // only there to be recognised
	host = host[max(0, len(host)-maxHost):]
	return cmp.Or(c.Consumer, c.deployment(function)+"-"+cmp.Or(host, "follow")+"-"+strings.ToLower(rand.Text()[:6]))
}

// maxHost is how much of a host's name, which ends with what is its own, a
// consumer's holds.
const maxHost = 24

// Names that releases before derived: those of drains told only STATE_URL, those of
// followers nothing.
var (
	derived      = regexp.MustCompile(`^siemfeed-([a-z]+)-[0-9a-f]{8}(-|$)`)
	formerDrain  = regexp.MustCompile(`^siemfeed-[0-9a-f]{8}$`)
	formerFollow = regexp.MustCompile(`^siemfeed-.*-[a-z2-7]{6}$`)
)

// stranger says whose consumer that is, if it is surely none of this function with
// this STATE_URL. Where SLS_CONSUMER names this one, another that no siemfeed derived
// may be its own too.
func (c *Config) stranger(function, consumer string) (whose string, ok bool) {
	own := c.deployment(function)
	switch m := derived.FindStringSubmatch(consumer); {
	case consumer == "" || consumer == c.Consumer || consumer == own || strings.HasPrefix(consumer, own+"-"):
		return "", false
	case consumer == "siemfeed-"+digest(4, c.StateURL):
		return "", false
	case m != nil && m[1] != function:
		return "a " + m[1], true
	case m != nil || formerDrain.MatchString(consumer):
		return "a " + function + " of another STATE_URL", true
	case c.Consumer != "" || formerFollow.MatchString(consumer):
		return "", false
	}
	return "somebody else", true
}

// backfillGroup is a span's own, so that a backfill that broke off goes on, and
// a deployment's. Comments in SDKs suggest that the service takes only
// [0-9a-z]{2,32} for some groups (aliyun-log-go-sdk issue 77).
func (c *Config) backfillGroup(from, to time.Time) string {
	return "backfill" + digest(10, c.Project, c.Logstore, c.Group, c.StateURL, from.Format(time.RFC3339), to.Format(time.RFC3339))
}

// digest is n bytes that stand for texts, in hex.
func digest(n int, texts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(texts, "\x00")))
	return hex.EncodeToString(sum[:n])
}
