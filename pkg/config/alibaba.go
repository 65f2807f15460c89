package config

import (
	"context"
	"fmt"

	sdk "github.com/aliyun/credentials-go/credentials"

	"github.com/siemfeed/siemfeed/pkg/alibaba"
	"github.com/siemfeed/siemfeed/pkg/bucket"
)

// Alibaba says by what right Alibaba Cloud is reached: by a key, by a role that
// Google's identity tokens open, by the role of a Function Compute function, or
// by that of an ECS instance; the first that is configured.
type Alibaba struct {
	KeyID string `env:"SLS_AK_ID" help:"access key id; required unless a role is used"`
	Key   Secret `env:"SLS_AK_KEY" help:"its secret"`
	Token Secret `env:"SLS_SECURITY_TOKEN" help:"the STS token, if the key is a temporary one"`

	RoleARN      string `env:"ALIBABA_ROLE_ARN" help:"RAM role to assume from Google Cloud, without a key: acs:ram::<account>:role/<name>"`
	ProviderARN  string `env:"ALIBABA_OIDC_PROVIDER_ARN" help:"the OIDC provider it trusts: acs:ram::<account>:oidc-provider/<name>"`
	Audience     string `env:"ALIBABA_OIDC_AUDIENCE, default=siemfeed" help:"client id that the OIDC provider accepts"`
	STSEndpoint  string `env:"STS_ENDPOINT, default=https://sts.aliyuncs.com" help:"where roles are assumed"`
	MetadataHost string `env:"GCE_METADATA_HOST, default=metadata.google.internal" help:"where identity tokens come from"`

	FunctionKeyID string `env:"ALIBABA_CLOUD_ACCESS_KEY_ID" help:"set by Function Compute for a function with a role"`
	FunctionKey   Secret `env:"ALIBABA_CLOUD_ACCESS_KEY_SECRET" help:"set by Function Compute"`
	FunctionToken Secret `env:"ALIBABA_CLOUD_SECURITY_TOKEN" help:"set by Function Compute"`
	FunctionName  string `env:"FC_FUNCTION_NAME" help:"set by Function Compute: the role's credentials come with each invocation, and are used before those above"`
	ECSRole       string `env:"ALIBABA_CLOUD_ECS_METADATA" help:"name of the ECS instance's RAM role"`
}

// ValidateAlibaba tells what is missing to reach Alibaba Cloud.
func (a *Alibaba) ValidateAlibaba() (f Faults) {
	switch {
	case a.KeyID != "" || a.Key != "" || a.Token != "":
		if a.KeyID == "" {
			f.Add("SLS_AK_ID", "required: the access key id that SLS_AK_KEY belongs to")
		}
		if a.Key == "" {
			f.Add("SLS_AK_KEY", "required: the secret of SLS_AK_ID")
		}
	case a.RoleARN != "" || a.ProviderARN != "":
		if a.RoleARN == "" {
			f.Add("ALIBABA_ROLE_ARN", "required with ALIBABA_OIDC_PROVIDER_ARN: acs:ram::<account>:role/<name>")
		}
		if a.ProviderARN == "" {
			f.Add("ALIBABA_OIDC_PROVIDER_ARN", "required with ALIBABA_ROLE_ARN: acs:ram::<account>:oidc-provider/<name>")
		}
		f.AddErr("STS_ENDPOINT", CheckEndpoint(a.STSEndpoint, false, ""))
	case a.FunctionKeyID != "" && a.FunctionKey != "", a.FunctionName != "", a.ECSRole != "":
	default:
		f.Add("SLS_AK_ID", "required: an access key id; or set ALIBABA_ROLE_ARN, or give the instance a RAM role")
		f.Add("SLS_AK_KEY", "required: its secret")
	}
	return f
}

// ValidateOSS tells what is missing if one of the bucket URLs is oss://.
func (a *Alibaba) ValidateOSS(urls ...string) Faults {
	for _, raw := range urls {
		if at, err := bucket.Parse(raw); err == nil && at.Scheme == "oss" {
			return a.ValidateAlibaba()
		}
	}
	return nil
}

// Provider makes what signs the requests; it is for all clients together, since
// it keeps what it fetches. Nothing is asked of anyone yet.
func (a *Alibaba) Provider() alibaba.Provider {
	switch {
	case a.KeyID != "":
		return alibaba.Static(a.KeyID, a.Key.Reveal(), a.Token.Reveal())
	case a.RoleARN != "":
		p, err := alibaba.FromGoogle(alibaba.Google{
			RoleARN: a.RoleARN, ProviderARN: a.ProviderARN, Audience: a.Audience,
			STSEndpoint: a.STSEndpoint, MetadataURL: "http://" + a.MetadataHost,
		})
		return orError(p, err)
	case a.FunctionName != "" && a.FunctionKeyID == "":
		return alibaba.Invocation(nil)
	case a.FunctionKeyID != "":
		// Those of the environment are as old as the instance.
		return alibaba.Invocation(alibaba.Static(a.FunctionKeyID, a.FunctionKey.Reveal(), a.FunctionToken.Reveal()))
	}
	kind := "ecs_ram_role"
	c, err := sdk.NewCredential(&sdk.Config{Type: &kind, RoleName: &a.ECSRole})
	if err != nil {
		return orError(nil, fmt.Errorf("RAM role %s: %w", a.ECSRole, err))
	}
	return alibaba.FromSDK(c)
}

// orError returns p, or with err one that fails with it.
func orError(p alibaba.Provider, err error) alibaba.Provider {
	if err == nil {
		return p
	}
	return alibaba.ProviderFunc(func(context.Context) (alibaba.Credentials, error) {
		return alibaba.Credentials{}, err
	})
}
