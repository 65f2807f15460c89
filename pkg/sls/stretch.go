package sls

// Stretch is what lies in a shard between one checkpoint and the next: every
// page of it was confirmed, and its notes are here, each once.
type Stretch struct {
	Shard    int
	From, To string      // cursors
	Notes    []any       // what [Done] was given, in order
	Last     bool        // the shard's work ends with it
	Status   ShardStatus // before To is saved
}
