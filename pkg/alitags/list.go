package alitags

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/siemfeed/siemfeed/pkg/alibaba"
)

// The versions of the APIs.
const (
	versionSTS = "2015-04-01"
	versionECS = "2014-05-26"
	versionSLB = "2014-05-15"
	versionTag = "2018-08-28"
)

// maxPages ends a list that goes on for ever.
const maxPages = 200

// question is one call's worth of resources of one account, region and type.
type question struct {
	kind    *kind
	account string
	region  string
	typ     string
	ids     []string
}

// version is that of the API that is asked.
func (q *question) version() string {
	switch q.kind.API {
	case ecsAPI:
		return versionECS
	case slbAPI:
		return versionSLB
	}
	return versionTag
}

// list asks for the tags of all ids and returns those of each id that has any.
// System says whether tags of the system category count.
func (c *caller) list(ctx context.Context, base string, creds alibaba.Credentials, q question, system bool) (map[string]map[string]string, error) {
	query := map[string]string{"RegionId": q.kind.region(q.region)}
	found := make(map[string]map[string]string, len(q.ids))
	asked := make(map[string]string, 2*len(q.ids)) // as answers may write them
	for n, id := range q.ids {
		asked[id] = id
		if q.kind.API == tagAPI {
			query["ResourceARN."+strconv.Itoa(n+1)] = q.kind.arn(Resource{q.account, q.region, q.typ, id})
		} else {
			query["ResourceId."+strconv.Itoa(n+1)] = id
		}
	}
	for _, id := range q.ids { // some services have ids of one case, and are asked in another
		if lower := strings.ToLower(id); asked[lower] == "" {
			asked[lower] = id
		}
	}
	if q.kind.API == tagAPI {
		query["PageSize"] = "1000"
		query["Category"] = "Custom"
		if system {
			query["Category"] = "All"
		}
	} else {
		query["ResourceType"] = q.kind.Name
	}
	for range maxPages {
		var p page
		c.listed.Add(1)
		if err := c.call(ctx, base, creds, q.version(), "ListTagResources", query, &p); err != nil {
			return nil, err
		}
		rows, err := p.rows(q.kind.API)
		if err != nil {
			return nil, fmt.Errorf("answer of ListTagResources: %w", err)
		}
		for _, r := range rows {
			id := cmp.Or(asked[r.id], asked[strings.ToLower(r.id)])
			if id == "" || r.key == "" || !system && r.system {
				continue
			}
			if found[id] == nil {
				found[id] = map[string]string{}
			}
			if _, twice := found[id][r.key]; !twice || !r.system {
				found[id][r.key] = r.value
			}
		}
		if p.NextToken == "" {
			return found, nil
		}
		if p.NextToken == query["NextToken"] {
			return nil, errors.New("answer of ListTagResources: its next page is itself")
		}
		query["NextToken"] = p.NextToken
	}
	return nil, fmt.Errorf("answer of ListTagResources: more than %d pages", maxPages)
}

// row is one tag of one resource.
type row struct {
	id, key, value string
	system         bool
}

// isSystem tells a tag that the cloud sets by its key, where its category is not
// said: users' keys cannot begin so.
func isSystem(key string) bool {
	return strings.HasPrefix(key, "acs:") || strings.HasPrefix(key, "aliyun")
}

// idOf takes the resource's id from an ARN.
func idOf(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return ""
	}
	_, id, _ := strings.Cut(parts[5], "/")
	return id
}
