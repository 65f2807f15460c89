// Package attest signs what the functions did in a span of days, so that it can
// be shown later, by whoever has the public key and nothing else, and compared
// with what is kept then: a receipt that was removed, altered or added since is
// named.
//
// An attestation is an in-toto statement (github.com/in-toto/attestation,
// spec/v1) in a DSSE envelope (github.com/secure-systems-lab/dsse), signed with
// Ed25519. Its subjects are the days: the digest of one is what
// `sha256sum * | sha256sum` prints in the folder of the day's receipts.
package attest
