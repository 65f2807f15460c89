// Package serve starts a function where it is deployed: on Cloud Run and Cloud
// Functions, and on Function Compute's custom runtime, as an HTTP server; on
// AWS Lambda, which is known by AWS_LAMBDA_RUNTIME_API, through aws-lambda-go.
// functions-framework-go is for Google's buildpack, which serves functions by a
// program of its own: see [Register].
//
// # HTTP
//
// A trigger is POSTed to any path (Function Compute uses /invoke). The answer
// is the run's receipt as JSON:
//
//	200  all is done, or what is left will go on by itself at the next tick
//	400  the body is nothing any trigger sends
//	401  FUNCTION_TOKEN is set and the request does not bear it
//	408  the request did not arrive within a minute
//	413  it is larger than any trigger's
//	500  something transient or misconfigured is left; the receipt says what
//	503  only a redelivery of this trigger will finish its work, or the
//	     server is shutting down
//
// {"verify":{}} or {"verify":{"from":…,"to":…}}, times in RFC 3339, has the
// function verified over that time (see [Verifier]). The answer is a
// [receipt.Verification]: 200 whatever was found, 500 only where it could not be
// found out. It is also logged as the record "verify finished", a warning unless
// all is complete, and kept in STATE_URL as
// <function>/verify/YYYY/MM/DD/<id>.json.
//
// GET /health and GET /healthz answer 200 while the function can work; Cloud Run
// may keep paths that end in z to itself. FUNCTION_TOKEN is for callers that
// the platform does not authenticate itself, such as a Cloudflare Worker: they
// send it as Authorization: Bearer <token>.
//
// On Function Compute the credentials of the function's role come with each
// invocation, and are those its clients use. The service's own triggers bear no
// token: there set no FUNCTION_TOKEN, and give an HTTP trigger the service's
// authentication. Each answer also says by X-Fc-Status whether the run
// succeeded, as only that makes the service deliver again; do not configure an
// Initializer, which would be taken for a tick.
//
// # Lambda
//
// An event is answered with the receipt where HTTP would answer 200, and else
// with an error, so that the trigger delivers again. A batch from SQS is
// answered with the messages to deliver again (ReportBatchItemFailures has to
// be enabled). A run has what Lambda's timeout leaves but for a tenth, as it has
// of CLOUD_RUN_TIMEOUT_SECONDS.
package serve
