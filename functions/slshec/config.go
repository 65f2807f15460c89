package slshec

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/siemfeed/siemfeed/pkg/config"
	"github.com/siemfeed/siemfeed/pkg/sls/consume"
)

// Config is the function's configuration, from the environment.
type Config struct {
	consume.Config

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
}

// Validate implements [config.Validator].
func (c *Config) Validate() config.Faults {
	f := c.ValidateSource(name)
	c.validateHEC(&f)
	return f
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
