package slshec

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/siemfeed/siemfeed/pkg/alibaba"
	"github.com/siemfeed/siemfeed/pkg/config"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// Config is the function's configuration, from the environment.
type Config struct {
	Endpoint string `env:"SLS_ENDPOINT, required" help:"endpoint of the project's region, such as cn-hangzhou.log.aliyuncs.com"`
	Project  string `env:"SLS_PROJECT, required" help:"the project's name"`
	Logstore string `env:"SLS_LOGSTORE, required" help:"the logstore's name"`
	Group    string `env:"SLS_CG, required" help:"consumer group that keeps the checkpoints; it is created if it does not exist"`
	config.Alibaba

	Consumer        string        `env:"SLS_CONSUMER" help:"name within the consumer group; default: derived, the same for every drain, one of its own for each process that follows"`
	Start           string        `env:"SLS_START, default=end" help:"begin, end or an RFC 3339 receive time: where a new consumer group begins; settled by the first run, for every shard"`
	Topics          []string      `env:"SLS_TOPICS" help:"keep the logs of these topics, comma-separated; default: all"`
	Query           string        `env:"SLS_QUERY" help:"SPL that filters on the server, such as * | where level = 'error'"`
	Processor       string        `env:"SLS_PROCESSOR" help:"name of a consume processor of the project, which filters on the server, instead of SLS_QUERY"`
	Heartbeat       time.Duration `env:"SLS_HEARTBEAT, default=10s" help:"how often the consumer reports to its group"`
	GroupTimeout    time.Duration `env:"SLS_GROUP_TIMEOUT, default=60s" help:"silence after which the group gives its shards to others, whole seconds"`
	OnInvalidCursor string        `env:"SLS_ON_INVALID_CURSOR, default=fail" help:"fail or oldest: what to do about a checkpoint older than what the logstore keeps"`
	Region          string        `env:"SLS_REGION" help:"region id; set, requests are signed by version 4"`
	SLSInsecure     bool          `env:"SLS_INSECURE, default=false" help:"true allows plain http to a named host in SLS_ENDPOINT"`

	HECURLs    []string      `env:"HEC_URL, required" help:"base URLs of HEC, comma-separated, such as https://splunk.example.com:8088"`
	HECToken   config.Secret `env:"HEC_TOKEN, required" help:"the HEC token"`
	Index      string        `env:"HEC_INDEX" help:"index; default: the token's; may hold {project}, {logstore}, {topic}, {source} and {tag:NAME}"`
	Sourcetype string        `env:"HEC_SOURCETYPE" help:"sourcetype, likewise"`
	Source     string        `env:"HEC_SOURCE" help:"source, likewise"`
	Host       string        `env:"HEC_HOST" help:"host, likewise; default: __source__ of the log"`
	JSONKeys   []string      `env:"HEC_JSON_KEYS" help:"keys, or *, whose values are embedded as JSON where they are a JSON object or array"`
	Fields     []string      `env:"HEC_FIELDS" help:"further indexed fields of every event, as name=value,…"`

	Ack            bool          `env:"HEC_ACK, default=false" help:"true waits for indexer acknowledgement before a checkpoint moves"`
	AckPoll        time.Duration `env:"HEC_ACK_POLL, default=5s" help:"how often acknowledgements are asked for"`
	AckTimeout     time.Duration `env:"HEC_ACK_TIMEOUT, default=5m" help:"after this long without acknowledgement a batch is sent again, with the same ids"`
	Gzip           bool          `env:"HEC_GZIP, default=true" help:"compress request bodies"`
	BatchBytes     int           `env:"HEC_BATCH_BYTES, default=1048576" help:"size of a request, in bytes before compression"`
	HECConcurrency int           `env:"HEC_CONCURRENCY, default=4" help:"most requests under way at once"`
	HECTimeout     time.Duration `env:"HEC_TIMEOUT, default=120s" help:"of one request"`
	CAFile         string        `env:"HEC_CA_FILE" help:"PEM file of the authority that signed HEC's certificate"`
	HECInsecure    bool          `env:"HEC_INSECURE, default=false" help:"true skips the check of HEC's certificate, and allows plain http to a named host"`

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

// Validate implements [config.Validator].
func (c *Config) Validate() (f config.Faults) {
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
	c.validateHEC(&f)
	return append(f, c.Common.Validate("slshec", nil)...)
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

func (c *Config) validateHEC(f *config.Faults) {
	for _, u := range c.HECURLs {
		f.AddErr("HEC_URL", config.CheckEndpoint(u, c.HECInsecure, "HEC_INSECURE"))
	}
	for _, to := range c.routing() {
		_, err := newTemplate(to.template, c.Project, c.Logstore)
		f.AddErr(to.variable, err)
	}
	_, faults := indexedFields(c.Fields)
	for _, err := range faults {
		f.AddErr("HEC_FIELDS", err)
	}
	if slices.ContainsFunc(c.JSONKeys, func(key string) bool { return strings.TrimSpace(key) == "" }) {
		f.Add("HEC_JSON_KEYS", "an empty key among %q", c.JSONKeys)
	}
	if strings.ContainsFunc(c.HECToken.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }) {
		f.Add("HEC_TOKEN", `holds a space or a control character: give the token alone, without "Splunk "`)
	}
	if _, err := c.tls(); err != nil {
		f.AddErr("HEC_CA_FILE", err)
	}
	if c.BatchBytes < 1024 || c.BatchBytes > 64<<20 {
		f.Add("HEC_BATCH_BYTES", "must be 1024 to 67108864, not %d", c.BatchBytes)
	}
	if c.HECConcurrency < 1 || c.HECConcurrency > 256 {
		f.Add("HEC_CONCURRENCY", "must be 1 to 256, not %d", c.HECConcurrency)
	}
	for name, d := range map[string]time.Duration{"HEC_TIMEOUT": c.HECTimeout, "HEC_ACK_POLL": c.AckPoll, "HEC_ACK_TIMEOUT": c.AckTimeout} {
		if d <= 0 {
			f.Add(name, "must be positive, not %v", d)
		}
	}
}

// tls is how to speak to HEC; nil means the system's way.
func (c *Config) tls() (*tls.Config, error) {
	if c.CAFile == "" && !c.HECInsecure {
		return nil, nil
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: c.HECInsecure} //nolint:gosec // asked for by name
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, err
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("holds no certificate in PEM")
		}
	}
	return t, nil
}

func oneOf(f *config.Faults, name, value string, of ...string) {
	for _, v := range of {
		if v == value {
			return
		}
	}
	f.Add(name, "want %s, not %q", strings.Join(of, " or "), value)
}
