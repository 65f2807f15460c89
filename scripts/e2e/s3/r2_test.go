package s3

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
)

// r2 stands before an S3 server and keeps the rules by which R2 differs
// (developers.cloudflare.com/r2/api/s3/api, /r2/objects/multipart-objects):
// headers of the newer checksums and chunked signatures are not implemented;
// a body has a length; nothing waits for 100-continue; all parts of an upload
// but the last are of one size, which is found out when it is completed; a
// condition that fails then ends the upload; and what is stored with
// Content-Encoding: gzip is unpacked for who does not accept that.
type r2 struct {
	next http.Handler

	mu    sync.Mutex
	parts map[string]map[int]int64 // sizes by upload id and part number
}

func newR2(next http.Handler) *r2 {
	return &r2{next: next, parts: map[string]map[int]int64{}}
}

func (s *r2) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if header, value := unknownHeader(r.Header); header != "" {
		s3Error(w, http.StatusNotImplemented, "NotImplemented", fmt.Sprintf("Header '%s' with value '%s' not implemented", header, value))
		return
	}
	q := r.URL.Query()
	id := q.Get("uploadId")
	switch {
	case r.Header.Get("Expect") != "":
		w.WriteHeader(http.StatusExpectationFailed)
	case r.Method == http.MethodPut && r.ContentLength < 0:
		s3Error(w, http.StatusLengthRequired, "MissingContentLength", "You must provide the Content-Length HTTP header.")
	case r.Method == http.MethodPut && id != "":
		s.part(id, q.Get("partNumber"), r.ContentLength)
		s.next.ServeHTTP(w, r)
	case r.Method == http.MethodPost && id != "":
		s.complete(w, r, id)
	case r.Method == http.MethodGet && !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip"):
		s.unpacked(w, r)
	default:
		s.next.ServeHTTP(w, r)
	}
}

// unknownHeader finds what R2 answers with 501; the wording is that reported
// in github.com/f2face/cloudflare-r2 issue 12.
func unknownHeader(h http.Header) (name, value string) {
	for k := range h {
		low := strings.ToLower(k)
		if strings.HasPrefix(low, "x-amz-checksum-") || low == "x-amz-sdk-checksum-algorithm" || low == "x-amz-trailer" {
			return low, h.Get(k)
		}
	}
	if v := h.Get("x-amz-content-sha256"); strings.HasPrefix(v, "STREAMING-") {
		return "x-amz-content-sha256", v
	}
	if v := h.Get("Content-Encoding"); strings.Contains(v, "aws-chunked") {
		return "content-encoding", v
	}
	return "", ""
}

func (s *r2) part(id, number string, size int64) {
	n, err := strconv.Atoi(number)
	if err != nil {
		return // the server will say so
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.parts[id] == nil {
		s.parts[id] = map[int]int64{}
	}
	s.parts[id][n] = size
}

func (s *r2) complete(w http.ResponseWriter, r *http.Request, id string) {
	body, err := io.ReadAll(r.Body)
	var list struct{ Part []struct{ PartNumber int } }
	if err == nil {
		err = xml.Unmarshal(body, &list)
	}
	if err != nil {
		s3Error(w, http.StatusBadRequest, "MalformedXML", err.Error())
		return
	}
	s.mu.Lock()
	var sizes []int64
	for _, p := range list.Part[:max(0, len(list.Part)-1)] {
		sizes = append(sizes, s.parts[id][p.PartNumber])
	}
	s.mu.Unlock()
	if len(slices.Compact(sizes)) > 1 {
		s3Error(w, http.StatusBadRequest, "InvalidPart", "All non-trailing parts must have the same length.")
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	rec := httptest.NewRecorder()
	s.next.ServeHTTP(rec, r)
	if rec.Code == http.StatusPreconditionFailed {
		name, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		_, _ = gateway.admin.AbortMultipartUpload(context.WithoutCancel(r.Context()), &awss3.AbortMultipartUploadInput{Bucket: &name, Key: &key, UploadId: &id})
	}
	for k, v := range rec.Header() {
		w.Header()[k] = v
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes())
}

// unpacked answers a GET and unpacks what is stored as gzip.
func (s *r2) unpacked(w http.ResponseWriter, r *http.Request) {
	u := &unpacker{ResponseWriter: w}
	s.next.ServeHTTP(u, r)
	if u.packed == nil {
		return
	}
	z, err := gzip.NewReader(u.packed)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusOK)
	_, _ = io.Copy(w, z)
}

type unpacker struct {
	http.ResponseWriter
	packed *bytes.Buffer
}

func (u *unpacker) WriteHeader(code int) {
	if u.Header().Get("Content-Encoding") == "gzip" {
		u.packed = &bytes.Buffer{}
		u.Header().Del("Content-Encoding")
		u.Header().Del("Content-Length")
		return
	}
	u.ResponseWriter.WriteHeader(code)
}

func (u *unpacker) Write(p []byte) (int, error) {
	if u.packed != nil {
		return u.packed.Write(p)
	}
	return u.ResponseWriter.Write(p)
}

func s3Error(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_ = xml.NewEncoder(w).Encode(struct {
		XMLName       xml.Name `xml:"Error"`
		Code, Message string
	}{Code: code, Message: message})
}
