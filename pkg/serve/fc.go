package serve

import (
	"net/http"
	"os"
	"strconv"

	"github.com/siemfeed/siemfeed/pkg/alibaba"
)

// forFunctionCompute serves as next does, and tells Function Compute how its
// invocations ended. It looks at no status but the one in X-Fc-Status: without
// that header a 500 counts as success, and the trigger moves on past what was
// not done. 200 means success and 404 failure (alibabacloud.com/help/en/
// functioncompute, "Event handlers in a custom runtime").
func forFunctionCompute(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Fc-Request-Id") != "" {
			w = invocation{w}
		}
		next.ServeHTTP(w, withCredentials(r))
	})
}

// withCredentials moves the credentials of the function's role from the headers
// that they come in with each invocation to the request's context. They are
// believed on Function Compute alone, which sets FC_FUNCTION_NAME: elsewhere
// anybody may have written them (alibabacloud.com/help/en/functioncompute,
// "Custom runtime: common request headers").
func withCredentials(r *http.Request) *http.Request {
	take := func(name string) string {
		value := r.Header.Get(name)
		r.Header.Del(name)
		return value
	}
	c := alibaba.Credentials{
		AccessKeyID:     take("X-Fc-Access-Key-Id"),
		AccessKeySecret: take("X-Fc-Access-Key-Secret"),
		SecurityToken:   take("X-Fc-Security-Token"),
	}
	if os.Getenv("FC_FUNCTION_NAME") == "" || c.AccessKeyID == "" || c.AccessKeySecret == "" {
		return r
	}
	return r.WithContext(alibaba.WithInvocation(r.Context(), c))
}

// invocation is the answer to a request that Function Compute makes.
type invocation struct{ http.ResponseWriter }

// WriteHeader implements [http.ResponseWriter].
func (i invocation) WriteHeader(status int) {
	verdict := http.StatusOK
	if status != http.StatusOK {
		verdict = http.StatusNotFound
	}
	i.Header().Set("X-Fc-Status", strconv.Itoa(verdict))
	i.ResponseWriter.WriteHeader(status)
}

// Unwrap gives [http.ResponseController] what it looks for.
func (i invocation) Unwrap() http.ResponseWriter { return i.ResponseWriter }
