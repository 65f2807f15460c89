package sls

import (
	"errors"
	"fmt"
	"time"

	"github.com/siemfeed/siemfeed/pkg/retry"
)

// Gap is a stretch of logs that were gone before they could be read.
type Gap struct {
	Shard    int
	From, To string // cursors; From is empty where the shard was not begun before
	// Groups is how many LogGroups are missing, or -1 where that is unknown.
	Groups int64
	// Since and Until are when the shard came and when its oldest log was received
	// that is left, where there is no From.
	Since, Until time.Time
}

func (g Gap) String() string {
	switch {
	case g.From == "" && g.Since.IsZero():
		return fmt.Sprintf("shard %d: all it held is gone, how much is unknown", g.Shard)
	case g.From == "":
		return fmt.Sprintf("shard %d: it came at %s and was not read until now, and what it received before %s is gone, how much is unknown",
			g.Shard, g.Since.Format(time.RFC3339), g.Until.Format(time.RFC3339))
	case g.Groups < 0:
		return fmt.Sprintf("shard %d: logs from cursor %s on are gone, how many is unknown", g.Shard, g.From)
	}
	return fmt.Sprintf("shard %d: about %d LogGroups from cursor %s to %s are gone", g.Shard, g.Groups, g.From, g.To)
}

// ErrExpired is wrapped by the error of a run that finds a [Gap], unless it is to
// go on from the oldest log that is left.
var ErrExpired = errors.New("sls: cursor expired")

// accept tells of a gap, if that is what was asked for; otherwise it is an error.
// cause is what showed it, if anything.
func (o readOptions) accept(g Gap, tell func(Gap), cause error) error {
	if o.oldest {
		tell(g)
		return nil
	}
	err := fmt.Errorf("%w: %s; to accept the loss, choose to go on from the oldest log that is left (on invalid cursor: oldest); to prevent it, keep logs longer or run more often", ErrExpired, g)
	if cause != nil {
		err = fmt.Errorf("%w: %w", err, cause)
	}
	return retry.Permanent(err)
}

// gone judges the error of a shard that no longer exists, its retention being
// over: nothing is left to read, and whether logs went with it depends on
// whether it had been read to its end.
func (s *shardState) gone(err error, o readOptions, tell func(Gap)) error {
	if !IsCode(err, CodeShardNotExist) {
		return err
	}
	if at := s.get(); !at.CaughtUp {
		if err := o.accept(Gap{Shard: at.Shard, From: at.Position, Groups: -1}, tell, err); err != nil {
			return err
		}
	}
	s.update(func(s *ShardStatus) { s.Finished = true })
	return nil
}
