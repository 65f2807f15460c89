// Package sls is an Alibaba Cloud Log Service that runs in the process: one or
// more logstores with shards, cursors, pulls, writes, splits, merges,
// retention, consumer groups and counts, behind the real API with its
// signatures and error codes.
//
// It is written from the vendor's documentation and SDKs, and shares no code
// with siemfeed's own client, so that an error of one is not hidden by the
// other: requests are checked with the SDK's signer and bodies with its
// generated decoder.
//
// What it leaves out: SPL beyond `* | where field = 'value'` joined by "and"
// (anything else is refused, not ignored), indexes (every log is counted at
// once), and the management of projects.
package sls
