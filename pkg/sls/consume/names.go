package consume

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"time"
)

// Names within SLS, derived where SLS_CONSUMER and SLS_CG do not give them. A
// name serves one purpose: two consumers that are alive must not share one, nor
// two groups of one project.

// drainConsumer is the same on every drain, so that a new run owns its shards
// at once, and another for another deployment, which may drain at the same
// time: runs that share STATE_URL share a lease.
func (c *Config) drainConsumer() string {
	return cmp.Or(c.Consumer, "siemfeed-"+digest(4, c.StateURL))
}

// followConsumer is a process's own, for as long as it lives: under another
// name it would wait for the old one to time out.
func (c *Config) followConsumer() string {
	host, _ := os.Hostname() // only there to be recognised
	return cmp.Or(c.Consumer, "siemfeed-"+cmp.Or(host, "follow")+"-"+strings.ToLower(rand.Text()[:6]))
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
