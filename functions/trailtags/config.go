package trailtags

import (
	"cmp"
	"strings"
	"time"

	"github.com/siemfeed/siemfeed/pkg/alibaba"
	"github.com/siemfeed/siemfeed/pkg/alitags"
	"github.com/siemfeed/siemfeed/pkg/config"
	"github.com/siemfeed/siemfeed/pkg/sls"
	"github.com/siemfeed/siemfeed/pkg/sls/consume"
)

// Config is the function's configuration, from the environment.
type Config struct {
	consume.Config

	TargetProject  string `env:"SLS_TARGET_PROJECT, required" help:"project of the logstore that enriched events go to"`
	TargetLogstore string `env:"SLS_TARGET_LOGSTORE, required" help:"that logstore; it must be another than the source"`
	TargetEndpoint string `env:"SLS_TARGET_ENDPOINT" help:"endpoint of the target's region; default: SLS_ENDPOINT"`
	TargetRegion   string `env:"SLS_TARGET_REGION" help:"its region id, if SLS_REGION is set and the target lies elsewhere"`

	AdminAccount string        `env:"ADMIN_ACCOUNT_ID, required" help:"id of the management account, which RESOURCE_AK_ID is a key of"`
	ResourceID   string        `env:"RESOURCE_AK_ID, required" help:"id of the key that looks tags up and assumes ROLE_NAME in the other accounts"`
	ResourceKey  config.Secret `env:"RESOURCE_AK_KEY, required" help:"its secret"`
	Role         string        `env:"ROLE_NAME, default=ResourceDirectoryAccountAccessRole" help:"role that is assumed in member accounts; a read-only one of your own is better than the default, which may do everything"`

	OnlyWrites bool     `env:"ONLY_WRITES, default=true" help:"false passes on events that only read, too"`
	Services   []string `env:"SERVICES" help:"keep the events of these services (serviceName), comma-separated, in any case; default: all"`

	TagPrefix string        `env:"TAG_PREFIX, default=tag_" empty:"kept" help:"put before each tag's key; set to nothing, a tag named like a field of the event is left out and counted"`
	TagTTL    time.Duration `env:"TAG_TTL, default=5m" help:"how long tags that were looked up count, give or take a tenth"`
	TagCache  int           `env:"TAG_CACHE_SIZE, default=100000" help:"how many resources are remembered"`
	TagSystem bool          `env:"TAG_SYSTEM, default=false" help:"true adds the tags that Alibaba Cloud sets itself"`
	Budget    time.Duration `env:"LOOKUP_BUDGET, default=10s" help:"how long an event waits for tags at most; then it goes out without them"`

	TagEndpoint string `env:"TAG_ENDPOINT" help:"base URL instead of the public endpoints of the Tag service"`
	ECSEndpoint string `env:"ECS_ENDPOINT" help:"base URL instead of the public endpoints of ECS"`
	SLBEndpoint string `env:"SLB_ENDPOINT" help:"base URL instead of the public endpoints of SLB"`
}

// target is where rows go.
func (c *Config) target() (endpoint, region string) {
	return cmp.Or(c.TargetEndpoint, c.Endpoint), cmp.Or(c.TargetRegion, c.Region)
}

// Validate implements [config.Validator].
func (c *Config) Validate() config.Faults {
	f := c.ValidateSource(name)
	c.validateTarget(&f)
	c.validateLookups(&f)
	return f
}

func (c *Config) validateTarget(f *config.Faults) {
	if c.TargetProject == "" || c.TargetLogstore == "" {
		return
	}
	// A project's name is its own over all regions, so that two endpoints do not
	// make two logstores of one.
	if strings.EqualFold(c.TargetProject, c.Project) && c.TargetLogstore == c.Logstore {
		f.Add("SLS_TARGET_LOGSTORE", "it is the source, %s/%s: the function would read what it writes, for ever", c.Project, c.Logstore)
	}
	endpoint, _ := c.target()
	if endpoint == "" {
		return
	}
	_, err := sls.New(endpoint, c.TargetProject, c.TargetLogstore, alibaba.Static("", "", ""), sls.Options{Insecure: c.SLSInsecure})
	if err == nil {
		return
	}
	for line := range strings.Lines(strings.TrimPrefix(err.Error(), "sls: ")) {
		switch line = strings.TrimSpace(line); {
		case strings.HasPrefix(line, "project"):
			f.Add("SLS_TARGET_PROJECT", "%s", line)
		case strings.HasPrefix(line, "logstore"):
			f.Add("SLS_TARGET_LOGSTORE", "%s", line)
		case c.TargetEndpoint != "": // else it is the source's, and said of that
			f.Add("SLS_TARGET_ENDPOINT", "%s (SLS_INSECURE=true allows plain http)", line)
		}
	}
}

func (c *Config) validateLookups(f *config.Faults) {
	if strings.ContainsFunc(c.AdminAccount, func(r rune) bool { return r < '0' || r > '9' }) {
		f.Add("ADMIN_ACCOUNT_ID", "want the digits of an account's id, not %q", c.AdminAccount)
	}
	if most := sls.MaxKeyBytes / 2; len(c.TagPrefix) > most {
		f.Add("TAG_PREFIX", "want at most %d bytes: with the tag's key it is a field's name, for which SLS has %d", most, sls.MaxKeyBytes)
	}
	if c.TagTTL <= 0 {
		f.Add("TAG_TTL", "must be positive, not %v", c.TagTTL)
	}
	if c.TagCache < 1 {
		f.Add("TAG_CACHE_SIZE", "must be 1 or more, not %d", c.TagCache)
	}
	if c.Budget <= 0 {
		f.Add("LOOKUP_BUDGET", "must be positive, not %v", c.Budget)
	} else if c.RunTimeout > 0 && 4*c.Budget > c.RunTimeout {
		f.Add("LOOKUP_BUDGET", "want at most a quarter of RUN_TIMEOUT (%v), so that a run gets further whatever the lookups take, not %v", c.RunTimeout, c.Budget)
	}
	for variable, url := range map[string]string{"STS_ENDPOINT": c.STSEndpoint, "TAG_ENDPOINT": c.TagEndpoint, "ECS_ENDPOINT": c.ECSEndpoint, "SLB_ENDPOINT": c.SLBEndpoint} {
		if url != "" {
			f.AddErr(variable, config.CheckEndpoint(url, false, ""))
		}
	}
}

// lookups are what the tag client is told.
func (c *Config) lookups() alitags.Options {
	return alitags.Options{
		Account: c.AdminAccount, Key: alibaba.Credentials{AccessKeyID: c.ResourceID, AccessKeySecret: c.ResourceKey.Reveal()}, Role: c.Role,
		Endpoints: alitags.Endpoints{STS: c.STSEndpoint, Tag: c.TagEndpoint, ECS: c.ECSEndpoint, SLB: c.SLBEndpoint},
		TTL:       c.TagTTL, Size: c.TagCache, System: c.TagSystem, Budget: c.Budget, Prefix: name + "/tags/",
	}
}
