// Package watch sees how what a run needs answers it.
//
// A run that ends while something it needs keeps failing has failed, also when
// what ended it was its own time. Whether that is so cannot be told from the
// errors it is left with: a client's own retries, or those inside a vendor's
// SDK, are cut off with no more than "context deadline exceeded". So every
// client's [Transport] notes what each request came to, in the [Watch] that the
// request's context carries, and the run asks that at its end.
package watch
