// Command release builds what a release consists of, from one commit.
//
//	go run . build            # ../../dist: archives, checksums.txt, sbom.cdx.json, images.txt, provenance
//	go run . check            # builds in two fresh clones, and compares
//	go run . push -to HOST/…  # the container images of dist, by their digests
//
// In the order that build goes through, and the files are named:
//
//	source   which commit this is, and what it calls itself
//	pack     scripts/package writes the archives, for every function and platform
//	images   the digest of every function's images, for those who deploy by it
//	sbom     which modules are in which archive, from the archives themselves
//	sums     SHA-256 of everything so far, as sha256sum reads it
//	sign     SLSA's provenance of everything so far, signed if there is a key
//
// # Build type
//
// Provenance names this folder as its build type. The external parameters are the
// source, as the URI of a Git repository with the tag, the version that programs
// say they are, and the command that was run at the root of a checkout of it. The
// internal ones are Go's version and the time of the commit, which is that of every
// file in an archive. Nothing else goes in: with the same Go every machine makes
// the same bytes, and check proves it.
//
// It is a module of its own, so that what it needs is no part of what is deployed.
package main
