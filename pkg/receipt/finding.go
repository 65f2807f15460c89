package receipt

// Finding is something that a verification found wrong: evidence that does not
// fit together, or is not there.
type Finding struct {
	Kind   string `json:"kind"`  // such as gap, missing, altered
	Where  string `json:"where"` // the slice, object or shard
	Detail string `json:"detail"`
}

// The kinds of finding that functions share.
const (
	Gap         = "gap"         // a span of the source was never read
	Missing     = "missing"     // an object that a receipt names is not there
	Altered     = "altered"     // an object is not what its receipt says
	Unknown     = "unknown"     // an object that no receipt names
	Behind      = "behind"      // the source has more than was delivered
	Unpublished = "unpublished" // decided, but not delivered yet
	Unread      = "unread"      // it could not be looked at
)
