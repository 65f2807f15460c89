package sls

import (
	"crypto/hmac"
	"crypto/md5"  //nolint:gosec // Content-MD5 is what signature v1 asks for
	"crypto/sha1" //nolint:gosec // hmac-sha1 is signature v1
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/siemfeed/siemfeed/pkg/alibaba"
)

// signV1 adds Date, x-log-date, Content-MD5 and the Authorization of signature v1,
// which every region accepts. Source: "Request signatures", SDK signature.go.
func signV1(r *http.Request, body []byte, c alibaba.Credentials, now time.Time) {
	r.Header.Set("x-log-signaturemethod", "hmac-sha1")
	r.Header.Set("Date", now.UTC().Format(http.TimeFormat))
	if body != nil {
		r.Header.Set("Content-MD5", fmt.Sprintf("%X", md5.Sum(body))) //nolint:gosec // see the import
	}
	h := hmac.New(sha1.New, []byte(c.AccessKeySecret))
	_, _ = h.Write([]byte(canonicalV1(r)))
	r.Header.Set("Authorization", "LOG "+c.AccessKeyID+":"+base64.StdEncoding.EncodeToString(h.Sum(nil)))
	// The same again where no proxy takes it away, as some do with Date; the
	// service then verifies by it. It is set after signing because it takes no part
	// in that: aliyun-log-python-sdk logclient.py, log-csharp-sdk LogHeaders.cs.
	r.Header.Set("x-log-date", r.Header.Get("Date"))
}

func canonicalV1(r *http.Request) string {
	var b strings.Builder
	for _, line := range []string{r.Method, r.Header.Get("Content-MD5"), r.Header.Get("Content-Type"), r.Header.Get("Date")} {
		b.WriteString(line)
		b.WriteByte('\n')
	}
	for _, kv := range signedHeaders(r, false) {
		b.WriteString(kv[0] + ":" + kv[1] + "\n")
	}
	b.WriteString(r.URL.EscapedPath())
	sep := byte('?')
	query := r.URL.Query()
	for _, k := range slices.Sorted(maps.Keys(query)) {
		for _, v := range query[k] {
			b.WriteByte(sep)
			b.WriteString(k + "=" + v)
			sep = '&'
		}
	}
	return b.String()
}

// signV4 adds x-log-date, x-log-content-sha256 and the Authorization of
// signature v4, which names the region. Source: SDK signature_v4.go.
func signV4(r *http.Request, body []byte, c alibaba.Credentials, region string, now time.Time) {
	date := now.UTC().Format("20060102T150405Z")
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	r.Header.Set("x-log-date", date)
	r.Header.Set("x-log-content-sha256", hash)

	var b strings.Builder
	b.WriteString(r.Method + "\n" + r.URL.EscapedPath() + "\n")
	query := r.URL.Query()
	for i, k := range slices.Sorted(maps.Keys(query)) {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(k)
		if v := query.Get(k); v != "" {
			b.WriteString("=" + strings.ReplaceAll(url.QueryEscape(v), "+", "%20"))
		}
	}
	b.WriteByte('\n')
	var names []string
	for _, kv := range signedHeaders(r, true) {
		b.WriteString(kv[0] + ":" + kv[1] + "\n")
		names = append(names, kv[0])
	}
	b.WriteString("\n" + strings.Join(names, ";") + "\n" + hash)

	scope := date[:8] + "/" + region + "/sls/aliyun_v4_request"
	canonical := sha256.Sum256([]byte(b.String()))
	toSign := "SLS4-HMAC-SHA256\n" + date + "\n" + scope + "\n" + hex.EncodeToString(canonical[:])
	key := []byte("aliyun_v4" + c.AccessKeySecret)
	for _, part := range []string{date[:8], region, "sls", "aliyun_v4_request", toSign} {
		h := hmac.New(sha256.New, key)
		_, _ = h.Write([]byte(part))
		key = h.Sum(nil)
	}
	r.Header.Set("Authorization", "SLS4-HMAC-SHA256 Credential="+c.AccessKeyID+"/"+scope+",Signature="+hex.EncodeToString(key))
}

// signedHeaders returns the headers a signature covers, lower-cased and
// sorted; v4 adds the host and the content type.
func signedHeaders(r *http.Request, v4 bool) [][2]string {
	var out [][2]string
	for name, values := range r.Header {
		k := strings.ToLower(name)
		if strings.HasPrefix(k, "x-log-") || strings.HasPrefix(k, "x-acs-") || v4 && k == "content-type" {
			out = append(out, [2]string{k, strings.TrimSpace(values[0])})
		}
	}
	if v4 {
		out = append(out, [2]string{"host", r.Host})
	}
	slices.SortFunc(out, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return out
}
