package serve

import (
	"net/http"
	"strconv"
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
		next.ServeHTTP(w, r)
	})
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
