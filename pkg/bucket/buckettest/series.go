package buckettest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

// stamps is how a series of times is named.
const stamps = "20060102T150405.000Z"

// Series runs the part of the suite that is about [bucket.Series].
func Series(t *testing.T, k Kind) {
	for name, form := range map[string]bucket.Numbers{"digits": bucket.Digits(6), "times": bucket.Times(stamps)} {
		t.Run(name, func(t *testing.T) {
			t.Run("in order", func(t *testing.T) { inOrder(t, k.Open(t).Series("a/series/", form)) })
			t.Run("one has a number", func(t *testing.T) { oneHasIt(t, k.Open(t).Series("s-", form)) })
			t.Run("trimmed while it grows", func(t *testing.T) { trimmedWhileItGrows(t, k.Open(t).Series("a/", form)) })
		})
	}
	t.Run("names", func(t *testing.T) {
		b := k.Open(t)
		s := b.Series("a/", bucket.Digits(3))
		for _, n := range []uint64{0, 1000} {
			if err := s.Append(t.Context(), n, n); err == nil || errors.Is(err, bucket.ErrExists) {
				t.Errorf("%d of 3 digits: %v", n, err)
			}
		}
		if err := s.Append(t.Context(), 999, "last"); err != nil {
			t.Error(err)
		}
		if keys, err := b.Keys(t.Context(), ""); err != nil || fmt.Sprint(keys) != "[a/999]" {
			t.Errorf("%v, %v", keys, err)
		}
		for _, foreign := range []string{"a/1", "a/+01", "a/looks", "a/0001", "a/001/x"} {
			if err := b.PutJSON(t.Context(), foreign, 1); err != nil {
				t.Fatal(err)
			}
			if n, err := s.Latest(t.Context(), nil); err == nil {
				t.Errorf("%s is taken for a number: %d", foreign, n)
			}
			if err := b.Remove(t.Context(), foreign); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func wantNumbers(t *testing.T, s bucket.Series, from uint64, want ...uint64) {
	t.Helper()
	var got []uint64
	for n, err := range s.Range(t.Context(), from) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, n)
	}
	if !slices.Equal(got, want) {
		t.Errorf("from %d on %v, want %v", from, got, want)
	}
}

// wantLatest also wants that each number holds itself.
func wantLatest(t *testing.T, s bucket.Series, want uint64) {
	t.Helper()
	var v uint64
	if n, err := s.Latest(t.Context(), &v); err != nil || n != want || v != want {
		t.Errorf("latest is %d with %d, want %d; %v", n, v, want, err)
	}
}

func inOrder(t *testing.T, s bucket.Series) {
	ctx := t.Context()
	wantLatest(t, s, 0)
	wantNumbers(t, s, 0)
	if err := s.Trim(ctx, 5); err != nil {
		t.Error(err)
	}
	for _, n := range []uint64{1, 2, 9, 10, 99, 100, 1000} {
		for range 2 { // the second as after an answer that was lost
			if err := s.Append(ctx, n, n); err != nil {
				t.Fatal(err)
			}
		}
		wantLatest(t, s, n)
	}
	wantNumbers(t, s, 0, 1, 2, 9, 10, 99, 100, 1000)
	wantNumbers(t, s, 10, 10, 99, 100, 1000)
	wantNumbers(t, s, 11, 99, 100, 1000)
	wantNumbers(t, s, 1001)
	for n, err := range s.Range(ctx, 0) {
		if err != nil || n == 9 { // leaves the list in the middle
			break
		}
	}
	for _, tc := range []struct {
		before uint64
		left   []uint64
	}{
		{0, []uint64{1, 2, 9, 10, 99, 100, 1000}},
		{10, []uint64{10, 99, 100, 1000}},
		{11, []uint64{99, 100, 1000}},
		{1000, []uint64{1000}},
		{5000, []uint64{1000}},
	} {
		if err := s.Trim(ctx, tc.before); err != nil {
			t.Fatal(err)
		}
		wantNumbers(t, s, 0, tc.left...)
	}
	var v uint64
	if err := s.Read(ctx, 9, &v); !bucket.IsNotFound(err) {
		t.Errorf("trimmed and read: %v", err)
	}
	// Passed by, whether it was there before or not; and taken.
	for _, n := range []uint64{9, 50} {
		if err := s.Append(ctx, n, n); !errors.Is(err, bucket.ErrExists) {
			t.Errorf("append %d behind the latest: %v", n, err)
		}
	}
	if err := s.Append(ctx, 1000, "another"); !errors.Is(err, bucket.ErrExists) {
		t.Errorf("append what another has: %v", err)
	}
	wantNumbers(t, s, 0, 1000)
	wantLatest(t, s, 1000)
	if err := s.Replace(ctx, 1001, uint64(1001)); err != nil {
		t.Error(err)
	}
	wantNumbers(t, s, 0, 1001)
	if err := s.Replace(ctx, 1000, uint64(1000)); !errors.Is(err, bucket.ErrExists) {
		t.Errorf("replace behind the latest: %v", err)
	}
	wantNumbers(t, s, 0, 1001)
}

func oneHasIt(t *testing.T, s bucket.Series) {
	for n := uint64(1); n <= 5; n++ {
		var mu sync.Mutex
		var wg sync.WaitGroup
		has := ""
		for i := range 6 {
			wg.Go(func() {
				own := fmt.Sprint(n, " of ", i)
				err := s.Append(t.Context(), n, own)
				if err != nil {
					if !errors.Is(err, bucket.ErrExists) {
						t.Error(err)
					}
					return
				}
				mu.Lock()
				defer mu.Unlock()
				if has != "" {
					t.Errorf("%s and %s both have the number", has, own)
				}
				has = own
			})
		}
		wg.Wait()
		var there string
		if latest, err := s.Latest(t.Context(), &there); err != nil || latest != n || there != has || has == "" {
			t.Fatalf("%q has number %d; the latest is %d with %q, %v", has, n, latest, there, err)
		}
	}
}

// trimmedWhileItGrows lets appenders, each from the latest it saw, trim up to
// what they appended, some of them in one go, while a reader follows.
func trimmedWhileItGrows(t *testing.T, s bucket.Series) {
	const each = 4
	var mu sync.Mutex
	by := map[uint64]int{}
	ctx, stop := context.WithCancel(t.Context())
	var read, wg sync.WaitGroup
	read.Go(func() {
		for last := uint64(0); ctx.Err() == nil; {
			var v []uint64 // the number, and by whom
			n, err := s.Latest(t.Context(), &v)
			if err != nil || n < last || n > 0 && v[0] != n {
				t.Errorf("after %d the latest is %d with %v, %v", last, n, v, err)
				return
			}
			last = n
		}
	})
	for i := range 4 {
		wg.Go(func() {
			for won := 0; won < each; {
				n, err := s.Latest(t.Context(), nil)
				if n++; err == nil && i%2 == 0 {
					err = s.Replace(t.Context(), n, []uint64{n, uint64(i)})
				} else if err == nil {
					err = s.Append(t.Context(), n, []uint64{n, uint64(i)})
				}
				if errors.Is(err, bucket.ErrExists) {
					continue
				}
				if err == nil && i%2 != 0 {
					err = s.Trim(t.Context(), n)
				}
				if err != nil {
					t.Error(err)
					return
				}
				won++
				mu.Lock()
				if other, ok := by[n]; ok {
					t.Errorf("%d and %d both have number %d", other, i, n)
				}
				by[n] = i
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	stop()
	read.Wait()
	latest, err := s.Latest(t.Context(), nil)
	if err != nil || len(by) != 4*each || latest < 4*each {
		t.Errorf("%d numbers, the latest is %d, %v", len(by), latest, err)
	}
	if err := s.Trim(t.Context(), latest); err != nil {
		t.Error(err)
	}
	wantNumbers(t, s, 0, latest)
}
