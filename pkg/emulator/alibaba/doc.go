// Package alibaba is as much of Alibaba Cloud as hands out tags, in the process:
// STS (AssumeRole, AssumeRoleWithOIDC), the Tag service, and ListTagResources of
// ECS and SLB, for any number of accounts, behind the RPC style of the OpenAPI
// gateway with its signatures and error codes. All of it is one server: which
// service a request is for shows in the version it names.
//
// It is written from the vendor's documentation and shares no code with
// siemfeed's client, nor with the SDK that the client signs with: signatures are
// computed again from what came over the wire (ACS3-HMAC-SHA256, "Request syntax
// and signature method V3", alibabacloud.com/help/en/sdk/product-overview/v3-request-structure-and-signature).
//
// It leaves out RAM policies beyond a list of actions that an account denies, and
// all calls that make resources: those are made from Go, see [Account].
package alibaba
