package anypoint

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
)

// maxHierarchy bounds the answer of the hierarchy endpoint.
const maxHierarchy = 64 << 20

type group struct {
	ID   string  `json:"id"`
	Subs []group `json:"subOrganizations"`
}

// Hierarchy returns org and all business groups below it, parents before
// children, each once. Source: GET /accounts/api/organizations/{id}/hierarchy
// of the Access Management API.
func (c *Client) Hierarchy(ctx context.Context, org string) ([]string, error) {
	var root group
	err := c.retry(ctx, new(Stats), func(ctx context.Context) error {
		res, err := c.do(ctx, new(Stats), call{
			method: http.MethodGet, path: "/accounts/api/organizations/" + url.PathEscape(org) + "/hierarchy", org: org,
		})
		if err != nil {
			return err
		}
		defer drain(res.Body)
		if res.StatusCode/100 != 2 {
			return statusError(res, org, "View Organization")
		}
		b, err := io.ReadAll(io.LimitReader(res.Body, maxHierarchy))
		if err != nil {
			return bodyError(ctx, org, err)
		}
		root = group{}
		if err := json.Unmarshal(b, &root); err != nil {
			return &Error{Kind: Protocol, Org: org, Detail: "the hierarchy is not JSON", Err: err}
		}
		if root.ID == "" {
			return &Error{Kind: Protocol, Org: org, Err: errors.New("no id in it"), Detail: "the hierarchy is not one"}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	ids, seen := []string{org}, map[string]bool{org: true}
	for level := []group{root}; len(level) > 0; {
		var next []group
		for _, g := range level {
			if g.ID != "" && !seen[g.ID] {
				seen[g.ID] = true
				ids = append(ids, g.ID)
			}
			next = append(next, g.Subs...)
		}
		level = next
	}
	return ids, nil
}
