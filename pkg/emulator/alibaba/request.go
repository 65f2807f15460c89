package alibaba

import (
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// maxBody is what the gateway takes.
const maxBody = 1 << 20

// request is one on its way.
type request struct {
	w       http.ResponseWriter
	r       *http.Request
	body    []byte
	params  url.Values
	action  string
	version string
	key     *key     // whose it is; nil where it is not signed
	account *Account // whose resources it is about
}

// read decodes a request. Parameters stand in the query, in a form, or in both.
func read(w http.ResponseWriter, r *http.Request) (*request, *failure) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return nil, fail(http.StatusBadRequest, "InvalidRequest", "The request cannot be read.")
	}
	if len(body) > maxBody {
		return nil, fail(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "The request is too large.")
	}
	q := &request{w: w, r: r, body: body}
	if q.params, err = url.ParseQuery(r.URL.RawQuery); err != nil {
		return nil, fail(http.StatusBadRequest, "InvalidParameter", "The query string is malformed.")
	}
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); kind == "application/x-www-form-urlencoded" {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, fail(http.StatusBadRequest, "InvalidParameter", "The form is malformed.")
		}
		for k, v := range form {
			q.params[k] = append(q.params[k], v...)
		}
	}
	// In the header with version 3 of the signature, among the parameters before.
	q.action, q.version = r.Header.Get("x-acs-action"), r.Header.Get("x-acs-version")
	if q.action == "" {
		q.action = q.params.Get("Action")
	}
	if q.version == "" {
		q.version = q.params.Get("Version")
	}
	if q.action == "" {
		return nil, missing("Action")
	}
	if q.version == "" {
		return nil, missing("Version")
	}
	return q, nil
}

func missing(name string) *failure {
	return fail(http.StatusBadRequest, "MissingParameter", "The input parameter %q that is mandatory for processing this request is not supplied.", name)
}

// list reads a repeated parameter, name.1, name.2 and so on. Numbers that are
// left out end it.
func (q *request) list(name string) (all []string) {
	for n := 1; ; n++ {
		v, ok := q.params[name+"."+strconv.Itoa(n)]
		if !ok {
			return all
		}
		all = append(all, v[0])
	}
}

// number reads an integer within bounds, or takes the default.
func (q *request) number(name string, def, least, most int) (int, *failure) {
	v := q.params.Get(name)
	if v == "" {
		return def, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < least || n > most {
		return 0, fail(http.StatusBadRequest, "InvalidParameter."+name, "The specified value of parameter %s is not valid.", name)
	}
	return n, nil
}
