package alibaba

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// maxSkew is how far a request's date may be from the service's.
const maxSkew = 15 * time.Minute

const algorithm = "ACS3-HMAC-SHA256"

// authorization is the header of that name, taken apart.
type authorization struct {
	id        string
	headers   []string
	signature string
}

// readAuthorization takes it apart: ACS3-HMAC-SHA256 Credential=…,
// SignedHeaders=a;b,Signature=….
func readAuthorization(h string) (a authorization, ok bool) {
	scheme, rest, _ := strings.Cut(h, " ")
	if scheme != algorithm {
		return a, false
	}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "Credential":
			a.id = value
		case "SignedHeaders":
			a.headers = strings.Split(value, ";")
		case "Signature":
			a.signature = value
		}
	}
	return a, a.id != "" && a.signature != "" && len(a.headers) > 0
}

// authenticate finds out whose request it is.
func (s *Server) authenticate(q *request) *failure {
	h := q.r.Header
	if h.Get("Authorization") == "" {
		return missing("Authorization")
	}
	auth, ok := readAuthorization(h.Get("Authorization"))
	if !ok {
		return fail(http.StatusBadRequest, "IncompleteSignature", "The request signature does not conform to Aliyun standards.")
	}
	if f := s.checkDate(h.Get("x-acs-date")); f != nil {
		return f
	}
	sum := sha256.Sum256(q.body)
	if !hmac.Equal([]byte(hex.EncodeToString(sum[:])), []byte(h.Get("x-acs-content-sha256"))) {
		return fail(http.StatusBadRequest, "IncompleteSignature", "x-acs-content-sha256 is not the hash of the body.")
	}
	// All of x-acs-*, host and content-type have to be signed.
	for name := range h {
		if name = strings.ToLower(name); (strings.HasPrefix(name, "x-acs-") || name == "content-type") && !slices.Contains(auth.headers, name) {
			return fail(http.StatusBadRequest, "IncompleteSignature", "The header %s is not signed.", name)
		}
	}
	if !slices.Contains(auth.headers, "host") {
		return fail(http.StatusBadRequest, "IncompleteSignature", "The header host is not signed.")
	}
	k := s.keys[auth.id]
	if k == nil {
		return fail(http.StatusNotFound, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
	}
	if !hmac.Equal([]byte(auth.signature), []byte(sign(k.secret, canonical(q.r, auth.headers)))) {
		return fail(http.StatusBadRequest, "SignatureDoesNotMatch", "Specified signature does not match our calculation. server string to sign is:%s\n%s", algorithm, hash(canonical(q.r, auth.headers)))
	}
	if f := s.checkSession(k, h.Get("x-acs-security-token")); f != nil {
		return f
	}
	if f := s.checkNonce(auth.id, h.Get("x-acs-signature-nonce")); f != nil {
		return f
	}
	q.key = k
	return nil
}

func (s *Server) checkDate(date string) *failure {
	at, err := time.Parse("2006-01-02T15:04:05Z", date)
	if err != nil {
		return fail(http.StatusBadRequest, "IllegalTimestamp", "The input parameter \"Timestamp\" that is mandatory for processing this request is not supplied.")
	}
	if d := s.now().Sub(at); d > maxSkew || d < -maxSkew {
		return fail(http.StatusBadRequest, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")
	}
	return nil
}

func (s *Server) checkSession(k *key, token string) *failure {
	switch {
	case k.token == "" && token != "", k.token != "" && token == "":
		return fail(http.StatusNotFound, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
	case !hmac.Equal([]byte(k.token), []byte(token)):
		return fail(http.StatusBadRequest, "InvalidSecurityToken.Malformed", "Specified SecurityToken is malformed.")
	case k.token != "" && s.now().After(k.expires):
		return fail(http.StatusBadRequest, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired.")
	}
	return nil
}

// checkNonce refuses a request that was made before.
func (s *Server) checkNonce(id, nonce string) *failure {
	if nonce == "" {
		return missing("SignatureNonce")
	}
	now := time.Now()
	if now.Sub(s.swept) > maxSkew {
		maps.DeleteFunc(s.nonces, func(_ string, at time.Time) bool { return now.Sub(at) > 2*maxSkew })
		s.swept = now
	}
	if _, used := s.nonces[id+" "+nonce]; used {
		return fail(http.StatusBadRequest, "SignatureNonceUsed", "Specified signature nonce was used already.")
	}
	s.nonces[id+" "+nonce] = now
	return nil
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func sign(secret, canonical string) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(algorithm + "\n" + hash(canonical)))
	return hex.EncodeToString(m.Sum(nil))
}

// canonical is the request as both sides write it: method, path, query, the
// headers that are signed, their names, the hash of the body.
func canonical(r *http.Request, headers []string) string {
	var b strings.Builder
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	b.WriteString(r.Method + "\n" + path + "\n" + canonicalQuery(r.URL.Query()) + "\n")
	for _, name := range slices.Sorted(slices.Values(headers)) {
		values := r.Header.Values(name)
		if name == "host" {
			values = []string{r.Host}
		}
		trimmed := make([]string, len(values))
		for i, v := range values {
			trimmed[i] = strings.TrimSpace(v)
		}
		slices.Sort(trimmed)
		b.WriteString(name + ":" + strings.Join(trimmed, ",") + "\n")
	}
	b.WriteString("\n" + strings.Join(headers, ";") + "\n" + r.Header.Get("x-acs-content-sha256"))
	return b.String()
}

func canonicalQuery(q url.Values) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(q)) {
		for _, v := range q[k] {
			parts = append(parts, escape(k)+"="+escape(v))
		}
	}
	return strings.Join(parts, "&")
}

// escape is RFC 3986's, of all but unreserved characters.
func escape(s string) string { return unreserved.Replace(url.QueryEscape(s)) }

var unreserved = strings.NewReplacer("+", "%20", "*", "%2A", "%7E", "~")
