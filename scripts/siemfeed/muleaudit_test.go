package main

import (
	"fmt"
	"slices"
	"testing"

	"github.com/siemfeed/siemfeed/functions/muleaudit"
)

// What was not looked at is said once, however many organisations there are.
func TestNotLookedAtOfManyOrganisations(t *testing.T) {
	var list []muleaudit.Verified
	for i := range 44 {
		v := muleaudit.Verified{Org: fmt.Sprint("org-", i), Left: []string{"the content"}}
		if i%2 == 0 {
			v.Left = append(v.Left, "before March")
		}
		if i < 2 {
			v.Gone = 7
		}
		list = append(list, v)
	}
	list[5].Left = append(list[5].Left, "all of May")
	want := []string{
		"every organisation the content", "org-0, org-2, org-4 and 19 more before March", "org-0, org-1 7 objects that are there no more", "org-5 all of May",
	}
	if got := muleauditVerified(list).NotLookedAt; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	one := muleauditVerified(list[:1]).NotLookedAt
	if want := []string{"org-0 the content", "org-0 before March", "org-0 7 objects that are there no more"}; !slices.Equal(one, want) {
		t.Errorf("%q, want %q", one, want)
	}
}
