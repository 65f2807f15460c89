package alitags

import "strings"

// Resource names a resource as an ActionTrail event does.
type Resource struct {
	Account string // the account that owns it: recipientAccountId
	Region  string // acsRegion, such as cn-hangzhou
	Type    string // such as ACS::ECS::Instance
	ID      string
}

// maxID is the longest id that is asked about: a URL holds fifty of them.
const maxID = 256

// supported tells whether there is an API to ask.
func (r Resource) supported() bool {
	k := kindOf(r.Type)
	return k != nil && r.askable() && k.region(r.Region) != ""
}

// askable tells whether a resource may be put into a request. Account and region
// become part of a host and of a role's name, and events are written by others.
func (r Resource) askable() bool {
	return isAccount(r.Account) && (r.Region == "" || isRegion(r.Region)) &&
		r.ID != "" && len(r.ID) <= maxID && strings.IndexFunc(r.ID, isControl) < 0
}

func isControl(c rune) bool { return c < ' ' || c == 0x7f }

// isAccount tells whether s is an account's id: digits.
func isAccount(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return len(s) > 0 && len(s) <= 20
}

// isRegion tells whether s is a region's id: letters, digits and hyphens.
func isRegion(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && (c != '-' || i == 0 || i == len(s)-1) {
			return false
		}
	}
	return len(s) > 0 && len(s) <= 40
}
