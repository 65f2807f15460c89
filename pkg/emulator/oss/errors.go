package oss

import (
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"net/http"
)

// failure is an answer other than success.
type failure struct {
	status  int
	code    string
	message string
}

func (f *failure) Error() string { return f.code + ": " + f.message }

func fail(status int, code, format string, args ...any) *failure {
	return &failure{status, code, fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) *failure {
	return fail(http.StatusBadRequest, "InvalidArgument", format, args...)
}

func denied(format string, args ...any) *failure {
	return fail(http.StatusForbidden, "AccessDenied", format, args...)
}

// write answers with the service's error document
// (help/developer-reference/error-responses). An answer to HEAD has no body and
// carries the document in a header instead (SDK: client.go, HeaderOssERR).
func (f *failure) write(w http.ResponseWriter, r *http.Request) {
	doc, err := xml.Marshal(struct {
		XMLName   xml.Name `xml:"Error"`
		Code      string
		Message   string
		RequestID string `xml:"RequestId"`
		HostID    string `xml:"HostId"`
	}{Code: f.code, Message: f.message, RequestID: w.Header().Get("x-oss-request-id"), HostID: r.Host})
	if err != nil {
		panic(err) // strings cannot fail to marshal
	}
	doc = append([]byte(xml.Header), doc...)
	if r.Method == http.MethodHead {
		w.Header().Set("x-oss-err", base64.StdEncoding.EncodeToString(doc))
		w.WriteHeader(f.status)
		return
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(f.status)
	_, _ = w.Write(doc)
}
