package anypoint

import (
	"fmt"
	"strings"
)

// Plane is one of Anypoint's control planes.
type Plane string

// The control planes, as MULE_CONTROL_PLANE spells them.
const (
	US     Plane = "us"
	EU     Plane = "eu"
	Gov    Plane = "gov"
	Canada Plane = "ca"
	Japan  Plane = "jp"
)

// planes holds what docs.mulesoft.com "Audit Logging" says of each. It names no
// budget for Canada and Japan, which are given the lower one.
var planes = map[Plane]struct {
	url  string
	rate int
}{
	US:     {"https://anypoint.mulesoft.com", 700},
	EU:     {"https://eu1.anypoint.mulesoft.com", 40},
	Gov:    {"https://gov.anypoint.mulesoft.com", 40},
	Canada: {"https://ca1.platform.mulesoft.com", 40},
	Japan:  {"https://jp1.platform.mulesoft.com", 40},
}

// ParsePlane reads us, eu, gov, ca or jp; letter case does not matter.
func ParsePlane(s string) (Plane, error) {
	p := Plane(strings.ToLower(strings.TrimSpace(s)))
	if _, ok := planes[p]; !ok {
		return "", fmt.Errorf("unknown control plane %q: want us, eu, gov, ca or jp", s)
	}
	return p, nil
}

// BaseURL is where p's API is served; empty for a plane that does not exist.
func (p Plane) BaseURL() string { return planes[p].url }

// RatePerMinute is how many requests a minute p allows one source address.
func (p Plane) RatePerMinute() int { return planes[p].rate }
