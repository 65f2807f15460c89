// Package serve starts a function where it is deployed: on Cloud Run and Cloud
// Functions, and on Function Compute's custom runtime, as an HTTP server
// through functions-framework-go.
//
// A trigger is POSTed to any path (Function Compute uses /invoke). The answer
// is the run's receipt as JSON:
//
//	200  all is done, or what is left will go on by itself at the next tick
//	400  the body is nothing any trigger sends
//	500  something transient or misconfigured is left; the receipt says what
//	503  only a redelivery of this trigger will finish its work, or the
//	     server is shutting down
//
// GET /healthz answers 200 while the function can work.
package serve
