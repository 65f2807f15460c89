// Package provenance says what the files of a release were built from, and checks
// files against that.
//
// It is an in-toto statement (github.com/in-toto/attestation, spec/v1) whose
// predicate is SLSA's provenance (slsa.dev/spec/v1.0/provenance): its subjects are
// the files, by SHA-256. scripts/release writes it, and pkg/attest signs it. It
// tells nothing of the machine that built: whoever builds the same commit by the
// same Go gets the same statement, and that is what it is worth beside the
// signature.
package provenance
