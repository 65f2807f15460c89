package oss

import (
	"compress/gzip"
	"mime"
	"net/http"
	"slices"
	"strings"
)

// packedTypes are sent packed to who says Accept-Encoding: gzip
// (help/developer-reference/getobject, usage notes).
var packedTypes = []string{
	"text/cache-manifest", "text/xml", "text/plain", "text/css", "application/javascript", "application/x-javascript",
	"application/rss+xml", "application/json", "text/json",
}

// packs tells whether an object is sent packed: one of these types, of 1 KB or
// more, and not packed already. Neither its length nor, then, its end is
// announced.
func (o *object) packs(c *call) bool {
	kind, _, err := mime.ParseMediaType(o.header.Get("Content-Type"))
	return err == nil && c.r.Method == http.MethodGet && len(o.data) >= 1024 && o.header.Get("Content-Encoding") == "" &&
		slices.Contains(packedTypes, kind) && strings.Contains(c.r.Header.Get("Accept-Encoding"), "gzip")
}

func (o *object) pack(c *call) {
	c.w.Header().Set("Content-Encoding", "gzip")
	c.w.Header().Del("Content-MD5")
	c.content = func() {
		z := gzip.NewWriter(c.w)
		_, _ = z.Write(o.data)
		_ = z.Close()
	}
}
