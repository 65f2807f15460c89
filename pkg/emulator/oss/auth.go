package oss

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the first version of the signature
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// maxSkew is how far a request's time may be from the service's
// (help/developer-reference/error-responses, RequestTimeTooSkewed).
const maxSkew = 15 * time.Minute

// authenticate checks the signature in the Authorization header, of either
// version.
func (s *Server) authenticate(c *call) *failure {
	auth := c.r.Header.Get("Authorization")
	switch {
	case auth == "":
		return denied("Anonymous access is forbidden for this operation.")
	case strings.HasPrefix(auth, "OSS4-HMAC-SHA256 "):
		return s.authenticate4(c, strings.TrimPrefix(auth, "OSS4-HMAC-SHA256 "))
	case strings.HasPrefix(auth, "OSS "):
		return s.authenticate1(c, strings.TrimPrefix(auth, "OSS "))
	}
	return invalid("Authorization header is invalid.")
}

// knows checks the key and, where there is one, the session it belongs to.
func (s *Server) knows(c *call, id string) *failure {
	token := c.r.Header.Get("x-oss-security-token")
	switch {
	case id != s.opts.AccessKeyID, s.opts.SecurityToken != "" && token == "":
		return fail(http.StatusForbidden, "InvalidAccessKeyId", "The OSS Access Key Id you provided does not exist in our records.")
	case token != s.opts.SecurityToken:
		return fail(http.StatusForbidden, "InvalidSecurityToken", "The security token you provided is invalid.")
	}
	return nil
}

func (s *Server) timely(at time.Time) *failure {
	if off := s.opts.Now().Sub(at); off > maxSkew || off < -maxSkew {
		return fail(http.StatusForbidden, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.")
	}
	return nil
}

// authenticate4 is version 4
// (help/developer-reference/recommend-to-use-signature-version-4).
func (s *Server) authenticate4(c *call, auth string) *failure {
	fields := map[string]string{}
	for part := range strings.SplitSeq(auth, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		fields[name] = value
	}
	id, scope, _ := strings.Cut(fields["Credential"], "/")
	parts := strings.Split(scope, "/")
	if len(parts) != 4 || parts[2] != "oss" || parts[3] != "aliyun_v4_request" {
		return invalid("Invalid credential scope in Authorization header.")
	}
	if f := s.knows(c, id); f != nil {
		return f
	}
	if parts[1] != s.opts.Region {
		// Inferred: the page gives the scope, not the answer to a wrong one.
		return invalid("Invalid signing region in Authorization header: want %s.", s.opts.Region)
	}
	stamp := c.r.Header.Get("x-oss-date")
	at, err := time.Parse("20060102T150405Z", stamp)
	if err != nil || at.Format("20060102") != parts[0] {
		return denied("Invalid x-oss-date, or one of another day than the scope's.")
	}
	if f := s.timely(at); f != nil {
		return f
	}
	payload := c.r.Header.Get("x-oss-content-sha256")
	if payload != "UNSIGNED-PAYLOAD" { // the one value the page allows
		return invalid("Invalid x-oss-content-sha256 header.")
	}
	extra := strings.FieldsFunc(fields["AdditionalHeaders"], func(r rune) bool { return r == ';' })
	canonical := strings.Join([]string{
		c.r.Method, escape("/"+c.bucket+"/"+c.key, true), c.canonicalQuery(), c.canonicalHeaders(extra),
		strings.Join(extra, ";"), payload,
	}, "\n")
	sum := sha256.Sum256([]byte(canonical))
	toSign := "OSS4-HMAC-SHA256\n" + stamp + "\n" + scope + "\n" + hex.EncodeToString(sum[:])
	key := []byte("aliyun_v4" + s.opts.AccessKeySecret)
	for _, part := range parts {
		key = sign256(key, part)
	}
	if !hmac.Equal([]byte(hex.EncodeToString(sign256(key, toSign))), []byte(fields["Signature"])) {
		return mismatch()
	}
	return nil
}

func mismatch() *failure {
	return fail(http.StatusForbidden, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your key and signing method.")
}

func sign256(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// escape is RFC 3986's, of all but unreserved characters.
func escape(text string, keepSlash bool) string {
	var out strings.Builder
	for i := range len(text) {
		switch c := text[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~", c) >= 0, c == '/' && keepSlash:
			out.WriteByte(c)
		default:
			fmt.Fprintf(&out, "%%%02X", c)
		}
	}
	return out.String()
}

func (c *call) canonicalQuery() string {
	var params []string
	for name, values := range c.query {
		for _, value := range values {
			p := escape(name, false)
			if value != "" {
				p += "=" + escape(value, false)
			}
			params = append(params, p)
		}
	}
	slices.Sort(params)
	return strings.Join(params, "&")
}

// canonicalHeaders are x-oss-*, Content-Type, Content-MD5 and those named.
func (c *call) canonicalHeaders(extra []string) string {
	var lines []string
	for name, values := range c.r.Header {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, "x-oss-") || name == "content-type" || name == "content-md5" || slices.Contains(extra, name) {
			lines = append(lines, name+":"+joined(values)+"\n")
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

func joined(values []string) string {
	trimmed := make([]string, len(values))
	for i, v := range values {
		trimmed[i] = strings.TrimSpace(v)
	}
	return strings.Join(trimmed, ",")
}

// signedInV1 are the sub-resources that belong to the signed resource
// (help/developer-reference/include-signatures-in-the-authorization-header).
var signedInV1 = []string{
	"acl", "uploads", "location", "cors", "logging", "website", "referer", "lifecycle", "delete", "append", "tagging", "objectMeta",
	"uploadId", "partNumber", "security-token", "position", "img", "style", "styleName", "replication", "replicationProgress",
	"replicationLocation", "cname", "bucketInfo", "comp", "qos", "live", "status", "vod", "startTime", "endTime", "symlink",
	"x-oss-process", "response-content-type", "response-content-language", "response-expires", "response-cache-control",
	"response-content-disposition", "response-content-encoding", "versioning", "versions", "versionId", "continuation-token", "restore", "stat",
}

// authenticate1 is version 1.
func (s *Server) authenticate1(c *call, auth string) *failure {
	id, signature, _ := strings.Cut(auth, ":")
	if f := s.knows(c, id); f != nil {
		return f
	}
	date := c.r.Header.Get("Date")
	at, err := http.ParseTime(date)
	if err != nil {
		return denied("OSS authentication requires a valid Date.")
	}
	if f := s.timely(at); f != nil {
		return f
	}
	var headers, params []string
	for name, values := range c.r.Header {
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-oss-") {
			headers = append(headers, name+":"+joined(values)+"\n")
		}
	}
	for name := range c.query {
		if slices.Contains(signedInV1, name) {
			p := name
			if v := c.query.Get(name); v != "" {
				p += "=" + v
			}
			params = append(params, p)
		}
	}
	slices.Sort(headers)
	slices.Sort(params)
	resource := "/" + c.bucket + "/" + c.key
	if len(params) > 0 {
		resource += "?" + strings.Join(params, "&")
	}
	h := hmac.New(sha1.New, []byte(s.opts.AccessKeySecret))
	_, _ = fmt.Fprintf(h, "%s\n%s\n%s\n%s\n%s%s", c.r.Method, c.r.Header.Get("Content-MD5"), c.r.Header.Get("Content-Type"), date, strings.Join(headers, ""), resource)
	if !hmac.Equal([]byte(base64.StdEncoding.EncodeToString(h.Sum(nil))), []byte(signature)) {
		return mismatch()
	}
	return nil
}
