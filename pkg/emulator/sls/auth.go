package sls

import (
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // Content-MD5 is part of the protocol
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	sdk "github.com/aliyun/aliyun-log-go-sdk"
)

const maxSkew = 15 * time.Minute

func (s *Server) authenticate(r *http.Request, body []byte) error {
	h := r.Header
	switch {
	case h.Get("x-log-apiversion") == "":
		return errf(400, "MissingAPIVersion", "x-log-apiversion does not exist in http header")
	case h.Get("x-log-apiversion") != "0.6.0":
		return errf(400, "InvalidAPIVersion", "the api version is not supported")
	case h.Get("x-log-bodyrawsize") == "":
		return errf(400, "MissingBodyRawSize", "x-log-bodyrawsize does not exist in http header")
	case len(body) > 0 && h.Get("Content-Type") == "":
		return errf(400, "MissingContentType", "Content-Type does not exist in http header when body exists")
	}
	if err := s.checkDate(h); err != nil {
		return err
	}
	if md := h.Get("Content-MD5"); md != "" && md != fmt.Sprintf("%X", md5.Sum(body)) { //nolint:gosec // protocol
		return errf(400, "PostBodyInvalid", "Content-MD5 does not match the body")
	}
	auth := h.Get("Authorization")
	scheme, rest, _ := strings.Cut(auth, " ")
	var id string
	var ok bool
	switch scheme {
	case "LOG":
		if h.Get("x-log-signaturemethod") != "hmac-sha1" {
			return errf(400, "InvalidSignatureMethod", "signature method %s is not supported", h.Get("x-log-signaturemethod"))
		}
		id, _, _ = strings.Cut(rest, ":")
		ok = s.signedV1(r, body)
	case "SLS4-HMAC-SHA256":
		credential, _, _ := strings.Cut(strings.TrimPrefix(rest, "Credential="), ",")
		scope := strings.Split(credential, "/")
		if len(scope) != 5 {
			return errf(401, "SignatureNotMatch", "malformed credential scope")
		}
		id = scope[0]
		ok = (s.opts.Region == "" || scope[2] == s.opts.Region) && s.signedV4(r, body, scope[2])
	default:
		return errf(400, "MissAccessKeyId", "no access key id in the request")
	}
	if id != s.opts.AccessKeyID {
		return errf(401, "Unauthorized", "AccessKeyId not found: %s", id)
	}
	if !ok {
		return errf(401, "SignatureNotMatch", "signature %s not match", strings.TrimPrefix(rest, id+":"))
	}
	if s.opts.SecurityToken != "" && h.Get("x-acs-security-token") != s.opts.SecurityToken {
		return errf(401, "Unauthorized", "The security token you provided is invalid")
	}
	return nil
}

// checkDate takes x-log-date instead of Date where it is there: v4 writes it in
// ISO's basic form, v1 as Date is written ("Common request headers").
func (s *Server) checkDate(h http.Header) error {
	date := h.Get("x-log-date")
	at, err := time.Parse("20060102T150405Z", date)
	if err != nil {
		if date == "" {
			date = h.Get("Date")
		}
		if date == "" {
			return errf(400, "MissingDate", "Date does not exist in http header")
		}
		if at, err = time.Parse(time.RFC1123, date); err != nil {
			return errf(400, "InvalidDateFormat", "Date %s must follow RFC822", date)
		}
	}
	if d := time.Since(at) + s.opts.Skew; d > maxSkew || d < -maxSkew {
		return errf(400, "RequestTimeTooSkewed", "Request time exceeds server time more than 15 minutes, server time %s, request time %s",
			time.Now().Add(s.opts.Skew).UTC().Format(http.TimeFormat), at.Format(http.TimeFormat))
	}
	return nil
}

// signedV1 signs the request again with the SDK. Python adds x-log-date, equal to
// Date, after it has signed, so the form without it counts; that the one with it
// counts too is inferred. Its value stands for that of Date.
func (s *Server) signedV1(r *http.Request, body []byte) bool {
	if len(body) == 0 {
		body = nil
	}
	for _, drop := range []string{"", "x-log-date"} {
		headers := signable(r)
		if date := headers["x-log-date"]; date != "" {
			headers["Date"] = date
		}
		delete(headers, drop)
		signer := sdk.NewSignerV1(s.opts.AccessKeyID, s.opts.AccessKeySecret)
		if err := signer.Sign(r.Method, r.URL.RequestURI(), headers, body); err != nil {
			return false
		}
		if hmac.Equal([]byte(headers["Authorization"]), []byte(r.Header.Get("Authorization"))) {
			return true
		}
	}
	return false
}

func (s *Server) signedV4(r *http.Request, body []byte, region string) bool {
	sum := r.Header.Get("x-log-content-sha256")
	if sum != fmt.Sprintf("%x", sha256.Sum256(body)) && sum != fmt.Sprintf("%x", sha256.Sum256(nil)) {
		return false
	}
	headers := signable(r)
	headers["Host"] = r.Host
	uri := (&url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}).RequestURI()
	signer := sdk.NewSignerV4(s.opts.AccessKeyID, s.opts.AccessKeySecret, region)
	if err := signer.Sign(r.Method, uri, headers, body); err != nil {
		return false
	}
	return hmac.Equal([]byte(headers["Authorization"]), []byte(r.Header.Get("Authorization")))
}

// signable returns the headers as the SDK's signers name them.
func signable(r *http.Request) map[string]string {
	out := map[string]string{}
	for k, v := range r.Header {
		switch l := strings.ToLower(k); {
		case strings.HasPrefix(l, "x-"):
			out[l] = v[0]
		case k == "Content-Type" || k == "Date":
			out[k] = v[0]
		}
	}
	return out
}
