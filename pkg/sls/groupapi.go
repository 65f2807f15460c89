package sls

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/siemfeed/siemfeed/pkg/retry"
)

// ConsumerGroup is a group as the service keeps it.
type ConsumerGroup struct {
	Name    string `json:"name"`
	Timeout int    `json:"timeout"` // seconds of silence after which a consumer loses its shards
	Order   bool   `json:"order"`   // hand out a shard's children only when it is read to its end
}

// Checkpoint is a shard's saved position.
type Checkpoint struct {
	Shard      int    `json:"shard"`
	Cursor     string `json:"checkpoint"` // "" when none was saved
	UpdateTime int64  `json:"updateTime"` // Unix microseconds
	Consumer   string `json:"consumer"`
}

// ConsumerGroups lists the logstore's groups. API: ListConsumerGroup.
func (c *Client) ConsumerGroups(ctx context.Context) ([]ConsumerGroup, error) {
	var out []ConsumerGroup
	_, err := c.call(ctx, &request{method: http.MethodGet, path: "/consumergroups"}, &out)
	return out, err
}

// ErrForeignGroup is wrapped by the error of [Client.EnsureGroup] for a name
// that a group of another logstore has.
var ErrForeignGroup = errors.New("sls: the consumer group is another logstore's")

// EnsureGroup creates a group, or brings one that exists to the same settings.
// API: CreateConsumerGroup, UpdateConsumerGroup.
func (c *Client) EnsureGroup(ctx context.Context, g ConsumerGroup) error {
	body := mustJSON(struct {
		Name    string `json:"consumerGroup"`
		Timeout int    `json:"timeout"`
		Order   bool   `json:"order"`
	}{g.Name, g.Timeout, g.Order})
	_, err := c.call(ctx, &request{method: http.MethodPost, path: "/consumergroups", body: body}, nil)
	if !IsCode(err, CodeGroupAlreadyExist) {
		return err
	}
	groups, err := c.ConsumerGroups(ctx)
	if err != nil {
		return err
	}
	for _, have := range groups {
		if have == g {
			return nil
		}
	}
	body = mustJSON(struct {
		Timeout int  `json:"timeout"`
		Order   bool `json:"order"`
	}{g.Timeout, g.Order})
	_, err = c.call(ctx, &request{method: http.MethodPut, path: groupPath(g.Name), body: body}, nil)
	if IsCode(err, CodeGroupNotExist) {
		// It exists, and not here: names are unique in a project (SLS
		// documentation, "CreateConsumerGroup").
		return retry.Permanent(fmt.Errorf("%w: %s belongs to another logstore of project %s, where its name must be unique; choose another name (SLS_CG): %w", ErrForeignGroup, g.Name, c.project, err))
	}
	return err
}

// DeleteGroup deletes a group and its checkpoints. API: DeleteConsumerGroup.
func (c *Client) DeleteGroup(ctx context.Context, group string) error {
	_, err := c.call(ctx, &request{method: http.MethodDelete, path: groupPath(group)}, nil)
	return err
}

// Heartbeat reports the shards that consumer still holds and returns those
// assigned to it. It is not retried: the next one is due soon anyway, and a
// late one says nothing about now. API: ConsumerGroupHeartBeat.
func (c *Client) Heartbeat(ctx context.Context, group, consumer string, held []int) ([]int, error) {
	if held == nil {
		held = []int{}
	}
	once := *c
	once.opts.Retry = retry.Policy{}
	var out []int
	_, err := once.call(ctx, &request{
		method: http.MethodPost, path: groupPath(group), body: mustJSON(held),
		query: url.Values{"type": {"heartbeat"}, "consumer": {consumer}},
	}, &out)
	return out, err
}

// Checkpoints lists the positions the group has saved.
// API: ConsumerGroupGetCheckPoint.
func (c *Client) Checkpoints(ctx context.Context, group string) ([]Checkpoint, error) {
	var out []Checkpoint
	_, err := c.call(ctx, &request{method: http.MethodGet, path: groupPath(group)}, &out)
	return out, err
}

// SaveCheckpoint saves a position of a shard that the consumer holds; that of
// another is refused. API: ConsumerGroupUpdateCheckPoint, never with
// forceSuccess, which would take it from whoever holds the shard.
func (c *Client) SaveCheckpoint(ctx context.Context, group, consumer string, shard int, cursor string) error {
	_, err := c.call(ctx, &request{
		method: http.MethodPost, path: groupPath(group),
		query: url.Values{"type": {"checkpoint"}, "consumer": {consumer}, "forceSuccess": {"false"}},
		body: mustJSON(struct {
			Shard  int    `json:"shard"`
			Cursor string `json:"checkpoint"`
		}{shard, cursor}),
	}, nil)
	if err != nil {
		return fmt.Errorf("checkpoint of shard %d: %w", shard, err)
	}
	return nil
}

// Updated is when the checkpoint was saved.
func (c Checkpoint) Updated() time.Time { return time.UnixMicro(c.UpdateTime).UTC() }

func groupPath(group string) string { return "/consumergroups/" + group }

// mustJSON encodes values that cannot fail to encode.
func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}
