package actiontrail

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// tagged appends what a call sets the tags of, by the parameters of its request:
//
//	ResourceType instance, ResourceId.1 i-a, ResourceId.2 i-b   the products' own
//	ResourceARN.1 arn:acs:ecs:cn-hangzhou:1234:instance/i-a     the Tag service
//
// Events have repeated parameters as in the request, numbered; as a list; or as a
// string that holds one. Sources: TagResources of each, and the sample events in
// ActionTrail's pages for the numbers (Tag.1.Key); lists are inferred from other
// parameters of samples. These events are rare, so the standard decoder will do.
func (d *Decoder) tagged(dst []Resource) []Resource {
	for _, at := range []int{d.parameters, d.parametersText} {
		if before := len(dst); at > 0 {
			if dst = d.request(at).resources(dst, string(d.event.fields[Service])); len(dst) > before {
				break
			}
		}
	}
	return dst
}

// request is what a request says about resources.
type request struct {
	kind, region string
	ids, arns    []string
}

// request reads the parameters that begin at i: an object, or its text.
func (d *Decoder) request(i int) (r request) {
	raw := d.text.B[i:d.text.Value(i, 2)]
	var text string
	if json.Unmarshal(raw, &text) == nil {
		raw = []byte(text)
	}
	var parameters map[string]json.RawMessage
	if json.Unmarshal(raw, &parameters) != nil {
		return r
	}
	names := make([]string, 0, len(parameters))
	for name := range parameters {
		names = append(names, name)
	}
	slices.SortFunc(names, inOrder)
	for _, name := range names {
		all := texts(parameters[name])
		if len(all) == 0 {
			continue
		}
		switch base, _, _ := strings.Cut(name, "."); strings.ToLower(strings.ReplaceAll(base, "_", "")) {
		case "resourcetype":
			r.kind = all[0]
		case "regionid":
			r.region = all[0]
		case "resourceid", "resourceids":
			r.ids = append(r.ids, all...)
		case "resourcearn", "resourcearns":
			r.arns = append(r.arns, all...)
		}
	}
	return r
}

// inOrder has ResourceId.2 before ResourceId.10.
func inOrder(a, b string) int {
	number := func(s string) int {
		n, _ := strconv.Atoi(s[strings.LastIndexByte(s, '.')+1:])
		return n
	}
	return cmp.Or(cmp.Compare(number(a), number(b)), strings.Compare(a, b))
}

// texts are the texts of a parameter: a list of them, a string that holds a list
// or names with commas between, or a single one.
func texts(raw json.RawMessage) (all []string) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		if json.Unmarshal([]byte(text), &all) != nil {
			all = strings.Split(text, ",")
		}
	} else if json.Unmarshal(raw, &all) != nil {
		var number json.Number
		if json.Unmarshal(raw, &number) == nil {
			all = []string{number.String()}
		}
	}
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}

// resources appends the resources of a request to a service.
func (r request) resources(dst []Resource, service string) []Resource {
	for _, id := range r.ids {
		kind := r.kind
		if kind != "" && !strings.Contains(kind, "::") {
			kind = "ACS::" + service + "::" + kind
		}
		dst = append(dst, Resource{Type: []byte(kind), Name: []byte(id), Region: []byte(r.region), Own: true})
	}
	for _, arn := range r.arns {
		// arn:acs:${ProductCode}:${Region}:${Account}:${ResourceType}/${ResourceId}
		parts := strings.SplitN(strings.TrimPrefix(arn, "arn:"), ":", 5)
		if len(parts) < 5 || parts[0] != "acs" {
			continue
		}
		kind, id, ok := strings.Cut(parts[4], "/")
		if !ok || kind == "" || id == "" {
			continue
		}
		said := func(s string) []byte { return []byte(strings.TrimPrefix(s, "*")) } // * is the request's own
		region := cmp.Or(string(said(parts[2])), r.region)
		dst = append(dst, Resource{Type: []byte("ACS::" + parts[1] + "::" + kind), Name: []byte(id), Region: []byte(region), Account: said(parts[3]), Own: true})
	}
	return dst
}
