package sls

import (
	"context"
	"net/http"
)

// ConsumeProcessor returns the SPL of a consume processor, which filters pulls that
// name it. Its name is not the one the console displays beside it. The error is
// an [Error] where the project has none of that name.
// API: GetConsumeProcessor.
func (c *Client) ConsumeProcessor(ctx context.Context, name string) (spl string, err error) {
	var out struct {
		Configuration struct {
			SPL string `json:"spl"`
		} `json:"configuration"`
	}
	_, err = c.call(ctx, &request{method: http.MethodGet, path: "/consumeprocessors/" + name, project: true}, &out)
	return out.Configuration.SPL, err
}
