package quarantine

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

// accepters is how many objects are accepted side by side.
const accepters = 16

// Acceptance is what became of an object that was to be accepted.
type Acceptance struct {
	Object  string
	Records int64
	// Left counts the records that were not to be: then the object stays pending.
	Left int64
}

// Accept notes of each pending object, of which every record is one that which
// wants, that it is lost: nobody needs to see to it any more. Nothing is
// removed; one that is rejected again is pending again. each hears of every
// object that has such a record, one after the other.
func (s *Store) Accept(ctx context.Context, which func(Record) bool, each func(Acceptance)) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(accepters)
	done := make(chan Acceptance)
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		for a := range done {
			each(a)
		}
	}()
	var listErr error
	for name, err := range s.Names(gctx, time.Time{}, time.Time{}) {
		if err != nil {
			listErr = err
			break
		}
		g.Go(func() error {
			a, err := s.accept(gctx, name, which)
			if err == nil && a.Records > 0 {
				done <- a
			}
			return err
		})
	}
	err := g.Wait()
	close(done)
	<-heard
	if err != nil {
		return err
	}
	return listErr
}

// IsAccepted tells whether the object called name is there and accepted as lost.
func (s *Store) IsAccepted(ctx context.Context, name string) (bool, error) {
	var m mark
	err := s.b.ReadJSON(ctx, s.markOf(name), &m) // mostly there is none
	if err == nil && m.Accepted {
		var is fate
		_, is, err = s.state(ctx, name)
		if err == nil {
			return is == accepted, nil
		}
	}
	if bucket.IsNotFound(err) {
		return false, nil
	}
	return false, err
}

func (s *Store) accept(ctx context.Context, name string, which func(Record) bool) (Acceptance, error) {
	a := Acceptance{Object: name}
	o, is, err := s.state(ctx, name) // before it is read: written anew since, it stays pending
	if bucket.IsNotFound(err) || err == nil && is != pending {
		return a, nil
	}
	if err != nil {
		return a, err
	}
	for r, err := range s.Read(ctx, name) {
		if IsDamaged(err) { // what cannot be read counts as a record that has no code
			r, err = Record{Object: name}, nil
		}
		if err != nil {
			return a, err
		}
		if which(r) {
			a.Records++
		} else {
			a.Left++
		}
	}
	if a.Records == 0 || a.Left > 0 {
		return a, nil
	}
	return a, s.b.PutJSON(ctx, s.markOf(name), mark{ETag: o.ETag, Replayed: time.Now().UTC(), Accepted: true})
}
