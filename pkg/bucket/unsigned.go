package bucket

import (
	"context"
	"net"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// unsignedPayload is what the signature of a request has in the place of its
// body's SHA-256
// (docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html).
const unsignedPayload = "UNSIGNED-PAYLOAD"

// unsigned leaves the body of a request to this very machine out of its
// signature, as the SDK does of all it sends over https: there is no wire on
// which it could be changed. Over plain http to any other host the signature is
// all that says so, and stays. To take the SHA-256 of a gigabyte costs the client
// half a second, and the server as much to compare; the CRC of each part is sent
// either way.
func unsigned(stack *middleware.Stack) error {
	const endpoint = "ResolveEndpointV2" // the host is known behind it
	if _, ok := stack.Finalize.Get(endpoint); !ok {
		return nil
	}
	return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("UnsignedHere",
		func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
			req, ok := in.Request.(*smithyhttp.Request)
			if ok && !req.IsHTTPS() && isHere(req.URL.Hostname()) && req.ContentLength > 0 && v4.GetPayloadHash(ctx) == "" {
				ctx = v4.SetPayloadHash(ctx, unsignedPayload)
			}
			return next.HandleFinalize(ctx, in)
		}), endpoint, middleware.After)
}

// isHere tells whether host is this machine by its name alone.
func isHere(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
