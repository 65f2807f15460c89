package sls

import (
	"context"
	"net/http"
)

// Index is what of a logstore's logs can be searched for.
type Index struct {
	// Line tells that the whole text of logs is indexed.
	Line bool
	// Keys are the fields that have an index of their own.
	Keys map[string]bool
}

// Index returns the logstore's index. Without one its error has the code
// [CodeIndexConfigNotExist]. API: GetIndex.
func (c *Client) Index(ctx context.Context) (Index, error) {
	var wire struct {
		Line *struct{}           `json:"line"`
		Keys map[string]struct{} `json:"keys"`
	}
	if _, err := c.call(ctx, &request{method: http.MethodGet, path: "/index"}, &wire); err != nil {
		return Index{}, err
	}
	out := Index{Line: wire.Line != nil, Keys: map[string]bool{}}
	for k := range wire.Keys {
		out.Keys[k] = true
	}
	return out, nil
}
