package alitags

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/siemfeed/siemfeed/pkg/retry"
)

// Check tells whether an account can be asked: a session of its role is opened,
// and one call made to the Tag service in a region. The error says what to do
// about it where that is known; a [FaultError] is of the management account.
func (c *Client) Check(ctx context.Context, account, region string) error {
	if !isAccount(account) || !isRegion(region) {
		return retry.Permanent(fmt.Errorf("account %q in region %q: want digits, and a region such as cn-hangzhou", account, region))
	}
	c.mu.Lock()
	a := c.accountOf(account)
	c.mu.Unlock()
	policy := retry.Policy{Attempts: 3, Base: 500 * time.Millisecond, Max: 2 * time.Second}
	return policy.Do(ctx, func(ctx context.Context) error {
		creds, err := c.credentials(ctx, a)
		if err == nil {
			var p page
			err = c.calls.call(ctx, c.endpoint(versionTag, region), creds, versionTag, "ListTagResources",
				map[string]string{"RegionId": region, "PageSize": "1"}, &p)
		}
		switch {
		case err == nil:
			return nil
		case IsFault(err):
			return err
		case errors.Is(err, errDenied):
			return retry.Permanent(fmt.Errorf("account %s: %w; ROLE_NAME is %s: the account needs a role of that name which trusts account %s, whose key needs the permission sts:AssumeRole", account, err, c.opts.Role, c.opts.Account))
		}
		switch judge(err) {
		case ownFault:
			return &FaultError{retry.Permanent(err)}
		case denied:
			return retry.Permanent(fmt.Errorf("account %s: %w; who looks tags up there needs the permissions tag:ListTagResources, ecs:ListTagResources and slb:ListTagResources", account, err))
		case transient, throttled, expired:
			return fmt.Errorf("account %s: %w", account, err)
		}
		return retry.Permanent(fmt.Errorf("account %s: %w", account, err))
	})
}

// KeyAccount asks STS which account the key is of, once.
func (c *Client) KeyAccount(ctx context.Context) (string, error) {
	var who struct {
		AccountID string `json:"AccountId"`
	}
	err := c.calls.call(ctx, c.endpoint(versionSTS, ""), c.opts.Key, versionSTS, "GetCallerIdentity", nil, &who)
	if err == nil && who.AccountID == "" {
		err = errors.New("GetCallerIdentity: an answer without an account")
	}
	return who.AccountID, err
}
