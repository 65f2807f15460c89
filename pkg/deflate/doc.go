// Package deflate packs a body into gzip (RFC 1951, RFC 1952) while it is being
// written, for a writer that knows where it repeats itself.
//
// A general compressor finds repeats by hashing every few bytes and looking
// where the same hash was seen before; on logs that is where its time goes. But
// whoever writes one log after the other knows that the third field's name
// stands where it stood in the last log of the kind. Given such a [Hint] the
// encoder looks there first, and searches only what lies between hints, for as
// long as that is likely to pay. A hint is a guess: the bytes are compared before
// they are referred to, so that a wrong one costs time and never harm.
//
// What is written is packed soon, while it is still in the processor's cache.
// The code is made from a sample of the body's beginning and serves until the
// body has become another: to count every byte in order to make a code from it,
// and only then to go over it again, is the other half of the time.
package deflate
