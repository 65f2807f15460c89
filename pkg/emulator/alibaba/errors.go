package alibaba

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// failure is an answer other than 200.
type failure struct {
	status  int
	code    string
	message string
	header  http.Header
}

func fail(status int, code, format string, args ...any) *failure {
	return &failure{status: status, code: code, message: fmt.Sprintf(format, args...)}
}

// statuses are those that codes come with, where a test gives only the code.
// Throttling is 400 (Throttling.User "Request was denied due to user flow
// control.", common error codes).
var statuses = map[string]int{
	"Throttling": 400, "Throttling.User": 400, "Throttling.Api": 400,
	"ServiceUnavailable": 503, "InternalError": 500, "NoPermission": 403, "Forbidden.RAM": 403, "Forbidden": 403,
}

func (f *failure) write(w http.ResponseWriter, host string) {
	for k, v := range f.header {
		w.Header()[k] = v
	}
	answer(w, f.status, map[string]string{
		"RequestId": requestID(), "HostId": host, "Code": f.code, "Message": f.message,
		"Recommend": "https://api.alibabacloud.com/troubleshoot?q=" + f.code,
	})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client is gone if this fails
}

// answerFault gives injected errors the service's own form.
func answerFault(w http.ResponseWriter, r *http.Request, status int) {
	f := fail(status, "InternalError", "The request processing has failed due to some unknown error.")
	switch status {
	case 401, 403:
		f.code, f.message = "NoPermission", "You are not authorized to do this action. You should be authorized by RAM."
	case 429:
		f.code, f.message = "Throttling.User", "Request was denied due to user flow control."
	case 503:
		f.code, f.message = "ServiceUnavailable", "The request has failed due to a temporary failure of the server."
	}
	f.write(w, r.Host)
}
