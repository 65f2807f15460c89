package rollup

import (
	"context"
	"sync"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// day is a day of UTC, which has no others.
const day = 24 * time.Hour

// Span is what to read.
type Span struct {
	// From and To are days, both included.
	From, To time.Time
	Options
	// Step is how many days are read, looked at and kept before those that come
	// before them: what is interrupted later goes on from there. Zero is a month.
	Step int
	// Pruned is the time before which receipts were removed on purpose.
	Pruned time.Time
	// Expect names receipts that verifications have seen as the newest.
	Expect []string
	// Progress is called as days and receipts are read, one call after the
	// other, if it is not nil.
	Progress func(Progress)

	// toKeep reads for the sake of what is kept: nothing is looked for round days
	// that have no receipt or are rolled up, and it ends where nothing can be kept.
	toKeep bool
}

// month is how many days are read in a step.
const month = 31

// Progress is how far a span is read.
type Progress struct {
	Days, Of int
	Receipts int
}

// Spanned is what the receipts of a span say.
type Spanned struct {
	// Days are all days of the span, each with what is found of its receipts and
	// of their chain.
	Days []Day
	// MoreFindings counts the findings of the chain that are of no day by name.
	MoreFindings int64
	// NotKept says why days could not be rolled up, nil if they could.
	NotKept error
}

// Read reads the receipts of function of a span from the bucket of STATE_URL, and
// looks whether their chain is whole. Days that are over are rolled up where
// nothing is found of it.
func Read(ctx context.Context, state *bucket.Bucket, function string, span Span) (Spanned, error) {
	s := spanReader{state: state, function: function, span: span, saved: map[time.Time]time.Time{}, found: map[time.Time][]receipt.Finding{}}
	for date, last := dateOf(span.From), dateOf(span.To); !date.After(last); date = date.Add(day) {
		s.days = append(s.days, Day{Date: date})
	}
	s.at.Of = len(s.days)
	span.Options.Progress = func(receipts int) { s.progress(0, receipts) }
	s.reader = NewReader(state, function, span.Options)
	step := span.Step
	if step <= 0 {
		step = month
	}
	for end := len(s.days); end > 0 && (!span.toKeep || s.reader.NotKept() == nil); end -= step {
		if err := s.readStep(ctx, max(0, end-step), end); err != nil {
			return Spanned{}, err
		}
	}
	for i := range s.days {
		for _, f := range s.found[s.days[i].Date] {
			s.days[i].Find(f)
		}
	}
	return Spanned{s.days, s.more, s.reader.NotKept()}, nil
}

// spanReader reads a span.
type spanReader struct {
	state    *bucket.Bucket
	function string
	span     Span
	reader   *Reader
	days     []Day
	saved    map[time.Time]time.Time         // when the last receipt of a day was saved
	found    map[time.Time][]receipt.Finding // of the chain, by day
	more     int64

	mu sync.Mutex
	at Progress
}

func (s *spanReader) progress(days, receipts int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at.Days += days
	s.at.Receipts = max(s.at.Receipts, receipts)
	if s.span.Progress != nil {
		s.span.Progress(s.at)
	}
}

// dateOf is the day of t.
func dateOf(t time.Time) time.Time { return t.UTC().Truncate(day) }
