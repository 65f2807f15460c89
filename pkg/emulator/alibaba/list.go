package alibaba

import (
	"encoding/base64"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// The categories of tags.
const (
	custom = "Custom"
	system = "System"
)

// product is an API that is asked by id.
type product struct {
	most  int               // ids a call
	types map[string]string // ResourceType → the type of ActionTrail
}

// products are ECS and SLB. Source: ListTagResources of each; which type of
// ActionTrail is meant by each ResourceType is inferred from their names.
var products = map[string]product{
	"ECS": {50, map[string]string{
		"instance": "ACS::ECS::Instance", "disk": "ACS::ECS::Disk", "snapshot": "ACS::ECS::Snapshot", "image": "ACS::ECS::Image",
		"securitygroup": "ACS::ECS::SecurityGroup", "eni": "ACS::ECS::NetworkInterface", "ddh": "ACS::ECS::DedicatedHost",
		"keypair": "ACS::ECS::KeyPair", "launchtemplate": "ACS::ECS::LaunchTemplate", "reservedinstance": "ACS::ECS::ReservedInstance",
		"snapshotpolicy": "ACS::ECS::AutoSnapshotPolicy", "volume": "ACS::ECS::Volume",
	}},
	"SLB": {20, map[string]string{
		"instance": "ACS::SLB::LoadBalancer", "certificate": "ACS::SLB::ServerCertificate", "acl": "ACS::SLB::AccessControlList",
	}},
}

// listByID is ListTagResources of ECS (2014-05-26) and SLB (2014-05-15): one row
// for each tag of each resource.
func listByID(s *Server, q *request) (any, *failure) {
	service := services[q.version]
	p := products[service]
	region, ids := q.params.Get("RegionId"), q.list("ResourceId")
	if region == "" {
		return nil, missing("RegionId")
	}
	if q.params.Get("ResourceType") == "" {
		return nil, missing("ResourceType")
	}
	kind, ok := p.types[q.params.Get("ResourceType")]
	switch {
	case !ok:
		return nil, fail(http.StatusNotFound, "InvalidResourceType.NotFound", "The ResourceType provided does not exist in our records.")
	case len(ids) == 0 && len(q.list("Tag")) == 0:
		return nil, missing("ResourceId.N or Tags")
	case len(ids) > p.most:
		return nil, fail(http.StatusBadRequest, "NumberExceed.ResourceIds", "The ResourceIds parameter's number is exceed, only %d resources can be operated simultaneously.", p.most)
	case twice(ids):
		return nil, fail(http.StatusBadRequest, "Duplicate.ResourceId", "The ResourceId contain duplicate value.")
	}
	rows := []map[string]string{}
	for _, id := range ids {
		if q.account.denied[strings.ToLower(service)+":ListTagResources "+id] {
			return nil, forbidden()
		}
		there := q.account.resources[q.account.arn(Resource{region, kind, id})]
		if there == nil {
			if s.opts.NotFound {
				return nil, fail(http.StatusNotFound, "InvalidResourceId.NotFound", "The specified ResourceIds are not found in our records.")
			}
			continue
		}
		for _, k := range slices.Sorted(maps.Keys(there.tags)) {
			rows = append(rows, map[string]string{"ResourceId": id, "ResourceType": q.params.Get("ResourceType"), "TagKey": k, "TagValue": there.tags[k].value})
		}
	}
	rows, next, f := turn(q, rows, s.opts.PageRows)
	if f != nil {
		return nil, f
	}
	return map[string]any{"RequestId": requestID(), "NextToken": next, "TagResources": map[string]any{"TagResource": rows}}, nil
}

// listByARN is ListTagResources of the Tag service (2018-08-28): one row for each
// resource that has tags.
func listByARN(s *Server, q *request) (any, *failure) {
	arns := q.list("ResourceARN")
	if q.params.Get("RegionId") == "" {
		return nil, missing("RegionId")
	}
	category := q.params.Get("Category")
	switch category {
	case "", "All", custom, system:
	default:
		return nil, fail(http.StatusBadRequest, "InvalidParameter.Category", "The specified value of parameter Category is not valid.")
	}
	if len(arns) > 50 {
		return nil, fail(http.StatusBadRequest, "NumberExceed.ResourceARN", "The maximum number of ResourceARN is exceeded.")
	}
	size, f := q.number("PageSize", s.opts.PageRows, 1, 1000)
	if f != nil {
		return nil, f
	}
	if arns == nil { // all of the region
		for arn, r := range q.account.resources {
			if r.name.Region == q.params.Get("RegionId") {
				arns = append(arns, arn)
			}
		}
		slices.Sort(arns)
	}
	rows := []map[string]any{}
	for _, arn := range arns {
		there, f := q.account.find(arn, q.params.Get("RegionId"))
		if f != nil {
			return nil, f
		}
		if there == nil {
			continue
		}
		tags := []map[string]string{}
		for _, k := range slices.Sorted(maps.Keys(there.tags)) {
			if t := there.tags[k]; category == "" || category == "All" || category == t.category {
				tags = append(tags, map[string]string{"Category": t.category, "Key": k, "Value": t.value})
			}
		}
		if len(tags) > 0 {
			rows = append(rows, map[string]any{"ResourceARN": arn, "Tags": tags})
		}
	}
	rows, next, f := turn(q, rows, size)
	if f != nil {
		return nil, f
	}
	return map[string]any{"RequestId": requestID(), "NextToken": next, "TagResources": rows}, nil
}

// find finds a resource by its ARN,
// arn:acs:${ProductCode}:${Region}:${Account}:${ResourceType}/${ResourceId}, in
// which an asterisk stands for the caller's own region or account.
func (a *Account) find(arn, region string) (*resource, *failure) {
	parts := strings.SplitN(arn, ":", 6)
	var kind, id string
	if len(parts) == 6 {
		kind, id, _ = strings.Cut(parts[5], "/")
	}
	if len(parts) != 6 || parts[0] != "arn" || parts[1] != "acs" || parts[2] == "" || kind == "" || id == "" {
		return nil, fail(http.StatusBadRequest, "InvalidParameter.ResourceARN", "The specified value of parameter ResourceARN is not valid: %s.", arn)
	}
	if parts[4] != "*" && parts[4] != a.id {
		return nil, forbidden()
	}
	if a.denied["tag:ListTagResources "+id] {
		return nil, forbidden()
	}
	if unknown[parts[2]] {
		return nil, fail(http.StatusBadRequest, "UnsupportedResourceType", "The resource type is not supported: %s.", arn)
	}
	if parts[3] != "*" && parts[3] != region {
		// Inferred: the page has RegionId be the region of the resources.
		return nil, fail(http.StatusBadRequest, "InvalidParameter.RegionId", "The specified value of parameter RegionId is not valid.")
	}
	for _, r := range []string{region, ""} { // of a service without regions
		if there := a.resources["arn:acs:"+strings.ToLower(parts[2])+":"+r+":"+a.id+":"+strings.ToLower(kind)+"/"+id]; there != nil {
			return there, nil
		}
	}
	return nil, nil
}

// unknown are products that the Tag service knows nothing of.
var unknown = map[string]bool{"actiontrail": true, "config": true}

func twice(all []string) bool {
	sorted := slices.Sorted(slices.Values(all))
	return len(slices.Compact(sorted)) < len(all)
}

// turn cuts a page out of the rows. A token is of the server's own making.
func turn[T any](q *request, rows []T, size int) (page []T, next string, f *failure) {
	at := 0
	if token := q.params.Get("NextToken"); token != "" {
		raw, err := base64.RawURLEncoding.DecodeString(token)
		if err == nil {
			at, err = strconv.Atoi(strings.TrimPrefix(string(raw), "page "))
		}
		if err != nil || at < 1 || at > len(rows) {
			return nil, "", fail(http.StatusBadRequest, "InvalidParameter.NextToken", "The specified value of parameter NextToken is not valid.")
		}
	}
	end := min(at+size, len(rows))
	if end < len(rows) {
		next = base64.RawURLEncoding.EncodeToString([]byte("page " + strconv.Itoa(end)))
	}
	return rows[at:end], next, nil
}
