package e2e

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
)

// rules stands before fake-gcs-server 1.56.1 and keeps three rules of the
// resumable upload (cloud.google.com/storage/docs/performing-resumable-uploads)
// that it does not: a precondition that fails already is refused when a session
// begins; every chunk but the last is a multiple of 256 KiB; and the MD5 named
// at the start is compared with what all chunks make up (the server forgets it
// at the second). Preconditions at the end of a session and of one-request
// uploads the server enforces itself.
type rules struct {
	next http.Handler

	mu       sync.Mutex
	sessions map[string]*session
}

type session struct {
	declared string
	sum      hash.Hash
	size     int64
}

func newRules(next http.Handler) *rules {
	return &rules{next: next, sessions: map[string]*session{}}
}

func (s *rules) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	switch id := q.Get("upload_id"); {
	case id != "" && (r.Method == http.MethodPut || r.Method == http.MethodPost):
		s.chunk(w, r, id)
	case q.Get("uploadType") == "resumable" && r.Method == http.MethodPost:
		s.start(w, r)
	default:
		s.next.ServeHTTP(w, r)
	}
}

func (s *rules) start(w http.ResponseWriter, r *http.Request) {
	var object struct{ Bucket, Name, Md5Hash string }
	body, err := replay(r)
	if err == nil {
		err = json.Unmarshal(body, &object)
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	if name := r.URL.Query().Get("name"); name != "" {
		object.Name = name
	}
	if r.URL.Query().Get("ifGenerationMatch") == "0" {
		if _, err := gcs.server.GetObject(object.Bucket, object.Name); err == nil {
			refuse(w, http.StatusPreconditionFailed, "At least one of the pre-conditions you specified did not hold.")
			return
		}
	}
	rec := httptest.NewRecorder()
	s.next.ServeHTTP(rec, r)
	if at, err := url.Parse(rec.Header().Get("Location")); err == nil {
		s.mu.Lock()
		s.sessions[at.Query().Get("upload_id")] = &session{declared: object.Md5Hash, sum: md5.New()}
		s.mu.Unlock()
	}
	copyAnswer(w, rec)
}

func (s *rules) chunk(w http.ResponseWriter, r *http.Request, id string) {
	body, err := replay(r)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	up := s.sessions[id]
	if up == nil {
		refuse(w, http.StatusNotFound, "no such upload")
		return
	}
	var first, last, total int64
	crange := r.Header.Get("Content-Range")
	if n, _ := fmt.Sscanf(crange, "bytes %d-%d/%d", &first, &last, &total); n == 2 && len(body)%(256<<10) != 0 {
		refuse(w, http.StatusBadRequest, "chunks must be a multiple of 256 KiB: "+crange)
		return
	} else if n >= 2 && first != up.size {
		refuse(w, http.StatusServiceUnavailable, fmt.Sprintf("%s does not follow byte %d", crange, up.size))
		return
	} else if final := n != 2; final {
		up.sum.Write(body)
		if got := base64.StdEncoding.EncodeToString(up.sum.Sum(nil)); up.declared != "" && got != up.declared {
			refuse(w, http.StatusBadRequest, fmt.Sprintf("Provided MD5 hash %q doesn't match calculated MD5 hash %q.", up.declared, got))
			return
		}
		delete(s.sessions, id)
	} else {
		up.sum.Write(body)
		up.size += int64(len(body))
	}
	rec := httptest.NewRecorder()
	s.next.ServeHTTP(rec, r)
	copyAnswer(w, rec)
}

// replay reads a body and puts it back.
func replay(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, err
}

func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"code": status, "message": message}})
}

func copyAnswer(w http.ResponseWriter, rec *httptest.ResponseRecorder) {
	for k, v := range rec.Header() {
		w.Header()[k] = v
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes())
}
