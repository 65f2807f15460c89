// Package alitags finds the tags of Alibaba Cloud resources, for those who have
// many resources to ask about and few calls to ask with.
//
//	Lookup ──▶ memory ──known──▶ answer
//	             │ not known, or too old
//	             ▼
//	           flight      one an id, however many wait for it
//	             ▼
//	           group       of one account, region and type: up to 50 ids a call
//	             ▼
//	           account     a session of its role, and its own pace
//	             ▼
//	           API         ECS, SLB, or the Tag service by ARN
//
// Every lookup gets exactly one answer, within its budget, whatever goes wrong:
// accounts that are slow, throttled or denied, however many, delay and spoil no
// other, nor a bad id the rest of its group. What was once known of a resource is
// kept in a bucket, so that it can still be told when the resource is gone.
package alitags
