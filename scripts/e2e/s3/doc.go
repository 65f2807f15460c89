// Package s3 tests buckets, and the functions on them, against a real S3
// server: versitygw on a directory, as s3:// and, behind a proxy that keeps
// R2's rules, as r2://.
package s3
