package consume

import (
	"context"
	"time"

	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// Pending finds what lies in quarantine, neither replayed nor accepted, of the
// records that SLS received in [from, to), widened to whole days in UTC. A zero
// time is no bound.
func (c *Consumer) Pending(ctx context.Context, from, to time.Time) (receipt.FindingList, error) {
	list := receipt.NewFindingList()
	for object, err := range c.quarantine.Names(ctx, from, to) {
		if err != nil {
			return list, err
		}
		list.Find(receipt.Quarantined, object, "`siemfeed quarantine show %s %s` prints it; once its cause is mended, `siemfeed replay %s` delivers it", c.fn.Name, object, c.fn.Name)
	}
	return list, nil
}
