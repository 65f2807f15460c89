// Package oss emulates Alibaba Cloud Object Storage Service: the operations on
// one account's buckets that a writer and a reader of objects need, with the
// service's own rules rather than those of its S3 relatives. Each rule cites
// the vendor: "help" stands for alibabacloud.com/help/en/oss, "SDK" for
// alibabacloud-oss-go-sdk-v2. What no page says is marked as inferred.
//
// The service is strongly consistent (help/user-guide/what-is-oss): a write that
// was answered shows in every later read and list. So is this.
//
//	request ─► faults ─► signature ─► permission ─► bucket ─┬► object
//	                                                        ├► multipart upload
//	                                                        └► list
package oss
