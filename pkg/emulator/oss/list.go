package oss

import (
	"encoding/base64"
	"encoding/xml"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

type listed struct {
	Key, LastModified, ETag, Type string
	Size                          int
	StorageClass                  string
}

type listedPrefix struct{ Prefix string }

type listing struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	Name                  string
	Prefix                string
	StartAfter            string `xml:",omitempty"`
	MaxKeys               int
	Delimiter             string
	EncodingType          string `xml:",omitempty"`
	IsTruncated           bool
	ContinuationToken     string `xml:",omitempty"`
	NextContinuationToken string `xml:",omitempty"`
	KeyCount              int
	Contents              []listed
	CommonPrefixes        []listedPrefix
}

// list is ListObjectsV2 (help/developer-reference/listobjectsv2): keys in byte
// order, 100 a page unless max-keys says up to 1000, groups counted as keys.
func list(_ *Server, b *Bucket, c *call) *failure {
	q := c.query
	page := 100
	if v := q.Get("max-keys"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > 1000 {
			return invalid("max-keys: want 1 to 1000")
		}
		page = n
	}
	after := q.Get("start-after")
	if token := q.Get("continuation-token"); token != "" {
		raw, err := base64.StdEncoding.DecodeString(token)
		if err != nil {
			return invalid("The continuation token is not valid.")
		}
		after = string(raw)
	}
	prefix, delimiter := q.Get("prefix"), q.Get("delimiter")
	out := listing{
		Name: b.name, Prefix: c.named(prefix), StartAfter: c.named(q.Get("start-after")), MaxKeys: page, Delimiter: c.named(delimiter),
		EncodingType: q.Get("encoding-type"), ContinuationToken: c.named(q.Get("continuation-token")),
	}
	last := ""
	for _, key := range slices.Sorted(maps.Keys(b.objects)) {
		rest, ok := strings.CutPrefix(key, prefix)
		if !ok || key <= after || delimiter != "" && strings.HasSuffix(after, delimiter) && after != prefix && strings.HasPrefix(key, after) {
			continue
		}
		group := ""
		if before, _, found := strings.Cut(rest, delimiter); delimiter != "" && found {
			group = prefix + before + delimiter
			if group == last {
				continue
			}
		}
		if out.KeyCount == page {
			out.IsTruncated = true
			out.NextContinuationToken = c.named(base64.StdEncoding.EncodeToString([]byte(last)))
			break
		}
		out.KeyCount++
		if group != "" {
			last = group
			out.CommonPrefixes = append(out.CommonPrefixes, listedPrefix{c.named(group)})
			continue
		}
		last = key
		o := b.objects[key]
		out.Contents = append(out.Contents, listed{c.named(key), iso(o.modified), o.etag, o.kind, len(o.data), o.class})
	}
	return c.xml(out)
}

// named is a name as the answer shows it: characters that XML 1.0 cannot hold
// make encoding-type=url necessary.
func (c *call) named(name string) string {
	if c.query.Get("encoding-type") == "url" {
		return url.QueryEscape(name)
	}
	return name
}
