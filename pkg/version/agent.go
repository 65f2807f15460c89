package version

// UserAgent returns what the functions call themselves to the servers they ask,
// such as siemfeed/v1.2.3: a vendor's log then tells which release asked.
func UserAgent() string { return "siemfeed/" + String() }
