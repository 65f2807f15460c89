package gunzipcsv

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// evidence is what the manifests tell of some targets, by their keys.
type evidence map[string]*past

// past is what was written to one target.
type past struct {
	lines []Written
	// seen says that its source was looked at.
	seen atomic.Bool
}

// maxPast bounds what is remembered of a target that was written again and
// again.
const maxPast = 32

// about returns the lines about what was made of source.
func (p *past) about(source string) (out []Written) {
	if p == nil {
		return nil
	}
	for _, w := range p.lines {
		if w.Source == source {
			out = append(out, w)
		}
	}
	return out
}

// parts lists the parts of the manifests of all runs that may have converted
// what was written at from or later, and how many lines they have.
func (f *Function) manifestParts(ctx context.Context, from time.Time) (keys []string, lines int64, err error) {
	if !from.IsZero() {
		from = from.AddDate(0, 0, -1) // they lie by the day a run began
	}
	for o, err := range f.parts.State.Days(ctx, manifestRoot, from, time.Time{}) {
		if err != nil {
			return nil, 0, err
		}
		name, ok := strings.CutSuffix(o.Key, ".jsonl.gz")
		n, err := strconv.ParseInt(name[strings.LastIndexByte(name, '-')+1:], 10, 64)
		if !ok || err != nil {
			continue // not ours
		}
		keys = append(keys, o.Key)
		lines += n
	}
	return keys, lines, nil
}

// evidence reads from parts what they tell of the targets that are wanted. unread
// hears of a part that cannot be read.
func (f *Function) evidence(ctx context.Context, parts []string, wanted func(target string) bool, unread func(key string, err error) error) (evidence, error) {
	ev := evidence{}
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(lookers)
	for _, key := range parts {
		g.Go(func() error {
			err := patiently(ctx, func(ctx context.Context) error {
				var lines []Written // added only once all are read
				err := readPart(ctx, f.parts.State, key, func(w Written) {
					if wanted(w.Target) {
						lines = append(lines, w)
					}
				})
				if err != nil {
					return err
				}
				mu.Lock()
				defer mu.Unlock()
				for _, w := range lines {
					ev.add(w)
				}
				return nil
			})
			if err != nil {
				return unread(key, err)
			}
			return nil
		})
	}
	return ev, g.Wait()
}

func (ev evidence) add(w Written) {
	p := ev[w.Target]
	if p == nil {
		p = &past{}
		ev[w.Target] = p
	}
	if len(p.lines) < maxPast {
		p.lines = append(p.lines, w)
		return
	}
	oldest := 0
	for i := range p.lines {
		if p.lines[i].TargetTime.Before(p.lines[oldest].TargetTime) {
			oldest = i
		}
	}
	if w.TargetTime.After(p.lines[oldest].TargetTime) {
		p.lines[oldest] = w
	}
}

// newest returns the line about the last write.
func newest(lines []Written) Written {
	last := lines[0]
	for _, w := range lines[1:] {
		if w.TargetTime.After(last.TargetTime) {
			last = w
		}
	}
	return last
}
