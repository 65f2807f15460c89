package consume

import (
	"strings"
	"time"

	"github.com/siemfeed/siemfeed/pkg/alibaba"
	"github.com/siemfeed/siemfeed/pkg/config"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// Config says what is consumed, and how. A function's own configuration embeds
// it.
type Config struct {
	Endpoint string `env:"SLS_ENDPOINT, required" help:"endpoint of the project's region, such as cn-hangzhou.log.aliyuncs.com"`
	Project  string `env:"SLS_PROJECT, required" help:"the project's name"`
	Logstore string `env:"SLS_LOGSTORE, required" help:"the logstore's name"`
	Group    string `env:"SLS_CG, required" help:"consumer group that keeps the checkpoints; it is created if it does not exist"`
	config.Alibaba

	Consumer        string        `env:"SLS_CONSUMER" help:"name within the consumer group; default: derived, the same for every drain, one of its own for each process that follows"`
	Start           string        `env:"SLS_START, default=end" help:"begin, end or an RFC 3339 receive time: where a new consumer group begins; resolved by the first run, for every shard"`
	Topics          []string      `env:"SLS_TOPICS" help:"keep the logs of these topics, comma-separated; default: all"`
	Query           string        `env:"SLS_QUERY" help:"SPL that filters on the server, such as * | where level = 'error'"`
	Processor       string        `env:"SLS_PROCESSOR" help:"name of a consume processor of the project, which filters on the server, instead of SLS_QUERY"`
	Heartbeat       time.Duration `env:"SLS_HEARTBEAT, default=10s" help:"how often the consumer reports to its group"`
	GroupTimeout    time.Duration `env:"SLS_GROUP_TIMEOUT, default=60s" help:"silence after which the group gives its shards to others, whole seconds"`
	OnInvalidCursor string        `env:"SLS_ON_INVALID_CURSOR, default=fail" help:"fail or oldest: what to do about a checkpoint older than what the logstore keeps"`
	Region          string        `env:"SLS_REGION" help:"region id; set, requests are signed by version 4"`
	SLSInsecure     bool          `env:"SLS_INSECURE, default=false" help:"true allows plain http to a named host in SLS_ENDPOINT"`

	Mode     string        `env:"MODE, default=drain" help:"drain: one bounded run a trigger; follow: always on"`
	LeaseTTL time.Duration `env:"LEASE_TTL, default=60s" help:"how long a killed run keeps the next one waiting"`

	config.Common
}

// What MODE and SLS_ON_INVALID_CURSOR can be.
const (
	drain  = "drain"
	follow = "follow"
	fail   = "fail"
	oldest = "oldest"
)

// ValidateSource tells what is wrong for the function of that name.
func (c *Config) ValidateSource(function string) (f config.Faults) {
	f = c.ValidateAlibaba()
	if c.Endpoint != "" && c.Project != "" && c.Logstore != "" {
		_, err := sls.New(c.Endpoint, c.Project, c.Logstore, alibaba.Static("", "", ""), sls.Options{Insecure: c.SLSInsecure})
		c.blame(&f, err)
	}
	if strings.ContainsFunc(c.Group, notInID) {
		f.Add("SLS_CG", "consumer group %q: want letters, digits, hyphens and underscores", c.Group)
	}
	switch {
	case c.Processor != "" && c.Query != "":
		f.Add("SLS_PROCESSOR", "the logs can be filtered by it or by SLS_QUERY, not by both: unset one")
	case strings.ContainsFunc(c.Processor, notInID):
		f.Add("SLS_PROCESSOR", "consume processor %q: want letters, digits, hyphens and underscores", c.Processor)
	}
	if c.Start != sls.Begin && c.Start != sls.End {
		if _, err := time.Parse(time.RFC3339, c.Start); err != nil {
			f.Add("SLS_START", "want begin, end or an RFC 3339 time, not %q", c.Start)
		}
	}
	if c.GroupTimeout < time.Second || c.GroupTimeout%time.Second != 0 {
		f.Add("SLS_GROUP_TIMEOUT", "want whole seconds, not %v", c.GroupTimeout)
	} else if c.Heartbeat <= 0 || 2*c.Heartbeat > c.GroupTimeout {
		f.Add("SLS_HEARTBEAT", "want at most half of SLS_GROUP_TIMEOUT, so that one may fail, not %v", c.Heartbeat)
	}
	oneOf(&f, "SLS_ON_INVALID_CURSOR", c.OnInvalidCursor, fail, oldest)
	oneOf(&f, "MODE", c.Mode, drain, follow)
	if c.LeaseTTL < time.Second {
		f.Add("LEASE_TTL", "must be 1s or more, not %v", c.LeaseTTL)
	}
	return append(f, c.Common.Validate(function, nil)...)
}

// filtered tells whether the service leaves logs out.
func (c *Config) filtered() bool { return c.Query != "" || c.Processor != "" }

// topics is the set of SLS_TOPICS; nil keeps all.
func (c *Config) topics() map[string]bool {
	if len(c.Topics) == 0 {
		return nil
	}
	keep := map[string]bool{}
	for _, t := range c.Topics {
		keep[strings.TrimSpace(t)] = true
	}
	return keep
}

// notInID tells whether no consumer group or consume processor may have r in
// its name.
func notInID(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
}

// blame adds the faults that sls.New found to the variables they are about.
func (c *Config) blame(f *config.Faults, err error) {
	if err == nil {
		return
	}
	for line := range strings.Lines(strings.TrimPrefix(err.Error(), "sls: ")) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "project"):
			f.Add("SLS_PROJECT", "%s", line)
		case strings.HasPrefix(line, "logstore"):
			f.Add("SLS_LOGSTORE", "%s", line)
		default:
			f.Add("SLS_ENDPOINT", "%s (SLS_INSECURE=true allows plain http)", line)
		}
	}
}

func oneOf(f *config.Faults, name, value string, of ...string) {
	for _, v := range of {
		if v == value {
			return
		}
	}
	f.Add(name, "want %s, not %q", strings.Join(of, " or "), value)
}
