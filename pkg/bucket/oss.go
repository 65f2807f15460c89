package bucket

import (
	"context"
	"errors"
	"regexp"

	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss/credentials"
	"gocloud.dev/blob"

	"github.com/siemfeed/siemfeed/pkg/alibaba"
	"github.com/siemfeed/siemfeed/pkg/bucket/ossblob"
)

// WithOSS opens oss:// URLs with these credentials.
func WithOSS(p alibaba.Provider) Option { return func(o *options) { o.oss = p } }

// ossParams are what an oss:// URL may say.
var ossParams = []string{"region", "internal", "endpoint", "disable_https"}

var (
	ossName   = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$`) // help/user-guide/bucket-naming-conventions
	ossRegion = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
)

// checkOSS tells what is wrong with an oss:// URL.
func checkOSS(a Address) error {
	internal, err := a.flag("internal")
	switch {
	case err != nil:
		return err
	case !ossName.MatchString(a.Name):
		return errors.New("no bucket of OSS has that name: want 3 to 63 lower-case letters, digits and hyphens, with no hyphen at either end")
	case a.Param("region") == "":
		return errors.New("no region: add ?region=… with the bucket's region, such as cn-hangzhou")
	case !ossRegion.MatchString(a.Param("region")):
		return errors.New("parameter region: want a region's id such as cn-hangzhou, without oss- before it or a domain after it")
	case internal && a.Param("endpoint") != "":
		return errors.New("parameter internal chooses an endpoint, and so does endpoint: keep one of them")
	}
	return checkEndpointOf(a)
}

// ossHome: OSS gives each name to one bucket of all accounts and regions
// (help/user-guide/bucket-naming-conventions), whatever endpoint leads to it.
func ossHome(Address) home { return home{store: "oss"} }

// openOSS speaks OSS's own API: its S3 dialect has no create-only writes.
func openOSS(_ context.Context, b *Bucket, a Address, o options) error {
	if o.oss == nil {
		return errors.New("no Alibaba Cloud credentials: set SLS_AK_ID and SLS_AK_KEY, or ALIBABA_ROLE_ARN and ALIBABA_OIDC_PROVIDER_ARN, or give the instance a RAM role")
	}
	internal, _ := a.flag("internal")
	driver, err := ossblob.New(a.Name, ossblob.Options{
		Region: a.Param("region"), Internal: internal, Endpoint: a.Param("endpoint"),
		Credentials: credentials.CredentialsProviderFunc(func(ctx context.Context) (credentials.Credentials, error) {
			c, err := o.oss.Credentials(ctx)
			return credentials.Credentials{AccessKeyID: c.AccessKeyID, AccessKeySecret: c.AccessKeySecret, SecurityToken: c.SecurityToken}, err
		}),
		Transport: o.transport,
		Explain: func(code string, err error) error {
			if hint := ossHints.of(code); hint != "" {
				return &RefusedError{a.Name, code, hint, err}
			}
			return err
		},
	})
	if err != nil {
		return err
	}
	b.createOnly = driver.CreateOnly
	b.Bucket = blob.NewBucket(driver)
	return nil
}
