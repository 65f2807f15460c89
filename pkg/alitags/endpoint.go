package alitags

// endpoint is the base URL of an API in a region. Source: the endpoint pages of
// the products, and the maps in their SDKs.
func (c *Client) endpoint(version, region string) string {
	e := &c.opts.Endpoints
	switch version {
	case versionSTS:
		return or(e.STS, "https://sts.aliyuncs.com")
	case versionECS:
		return or(e.ECS, "https://ecs."+region+".aliyuncs.com")
	case versionSLB:
		if region == "cn-hangzhou" {
			return or(e.SLB, "https://slb.aliyuncs.com")
		}
		return or(e.SLB, "https://slb."+region+".aliyuncs.com")
	}
	switch region {
	case "us-west-1":
		region = "us-east-1"
	case "cn-hangzhou-finance":
		region = "cn-hangzhou"
	}
	return or(e.Tag, "https://tag."+region+".aliyuncs.com")
}

func or(override, public string) string {
	if override != "" {
		return override
	}
	return public
}
