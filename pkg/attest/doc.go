// Package attest signs statements, so that they can be shown later and checked by
// whoever has the public key and nothing else: in-toto statements
// (github.com/in-toto/attestation, spec/v1) in DSSE envelopes
// (github.com/secure-systems-lab/dsse), signed with Ed25519. What they say is
// told by packages delivery and provenance.
package attest
