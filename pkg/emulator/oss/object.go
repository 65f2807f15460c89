package oss

import (
	"crypto/md5" //nolint:gosec // what the service's ETags are
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"hash/crc64"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// object is what is stored at a key. It is replaced, never changed.
type object struct {
	data     []byte
	kind     string // x-oss-object-type: Normal, Multipart
	etag     string // with its quotes
	md5      string // base64; empty for what came in parts
	crc      uint64
	modified time.Time
	header   http.Header // those that are stored, metadata included
	class    string
	version  string // empty without versioning
}

// storedHeaders are kept with an object and given back
// (help/developer-reference/putobject).
var storedHeaders = []string{"Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Type", "Expires"}

const (
	metaPrefix = "X-Oss-Meta-"
	maxMeta    = 8 << 10 // bytes of names and values (help/user-guide/0011-00000002)
)

// attributes reads what is to be stored besides the content. Names of metadata
// are letters, digits and hyphens (help/user-guide/0011-00000004); values have
// characters that are refused, too (0011-00000005): that these are those
// outside ASCII is inferred.
func (c *call) attributes() (http.Header, *failure) {
	h, size := http.Header{}, 0
	for _, name := range storedHeaders {
		if v := c.r.Header.Get(name); v != "" {
			h.Set(name, v)
		}
	}
	for name, values := range c.r.Header {
		key, ok := strings.CutPrefix(name, metaPrefix)
		if !ok {
			continue
		}
		value := joined(values)
		if strings.ContainsFunc(key, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-'
		}) {
			return nil, invalid("The metadata key contains an invalid character.")
		}
		if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
			return nil, invalid("The metadata value contains an invalid character.")
		}
		size += len(name) + len(value)
		h.Set(name, value)
	}
	if size >= maxMeta {
		return nil, invalid("The metadata is larger than 8 KB.")
	}
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "application/octet-stream")
	}
	return h, nil
}

// digest checks Content-MD5, where it is given (help/developer-reference/putobject).
func (c *call) digest() (sum [md5.Size]byte, f *failure) {
	sum = md5.Sum(c.body) //nolint:gosec // as above
	if want := c.r.Header.Get("Content-MD5"); want != "" && want != base64.StdEncoding.EncodeToString(sum[:]) {
		return sum, fail(http.StatusBadRequest, "InvalidDigest", "The Content-MD5 you specified was invalid.")
	}
	return sum, nil
}

// unconditional refuses the headers that make a write conditional elsewhere:
// OSS has none of them on writes, whatever the dialect.
func (c *call) unconditional() *failure {
	for _, name := range []string{"If-None-Match", "If-Match"} {
		if c.r.Header.Get(name) != "" {
			return fail(http.StatusNotImplemented, "NotImplemented", "A header you provided implies functionality that is not implemented.")
		}
	}
	return nil
}

func exists() *failure {
	return fail(http.StatusConflict, "FileAlreadyExists", "The object you specified already exists and can not be overwritten.")
}

const maxPut = 5 << 30 // help/developer-reference/putobject, usage notes

func putObject(s *Server, b *Bucket, c *call) *failure {
	if f := c.unconditional(); f != nil {
		return f
	}
	if len(c.body) > maxPut {
		return fail(http.StatusBadRequest, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size.")
	}
	sum, f := c.digest()
	if f != nil {
		return f
	}
	header, f := c.attributes()
	if f != nil {
		return f
	}
	if b.protects(c) {
		return exists()
	}
	o := &object{
		data: c.body, kind: "Normal", header: header,
		etag: `"` + strings.ToUpper(hex.EncodeToString(sum[:])) + `"`,
		md5:  base64.StdEncoding.EncodeToString(sum[:]),
	}
	b.store(s, c, o)
	c.w.Header().Set("ETag", o.etag)
	c.w.Header().Set("Content-MD5", o.md5)
	return nil
}

var crcTable = crc64.MakeTable(crc64.ECMA)

// store makes o the object at the call's key and announces what all writes
// announce. A bucket whose versioning is suspended gives every object the
// version "null" (help/developer-reference/putobject, versioning).
func (b *Bucket) store(s *Server, c *call, o *object) {
	o.crc = crc64.Checksum(o.data, crcTable)
	o.modified = s.opts.Now().UTC().Truncate(time.Second)
	o.class = "Standard"
	switch b.versioning {
	case "Enabled":
		o.version = rand.Text()
	case "Suspended":
		o.version = "null"
	}
	b.objects[c.key] = o
	c.w.Header().Set("x-oss-hash-crc64ecma", strconv.FormatUint(o.crc, 10))
	if o.version != "" {
		c.w.Header().Set("x-oss-version-id", o.version)
	}
}

func noKey() *failure {
	return fail(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
}

// getObject answers GET and HEAD (help/developer-reference/getobject).
func getObject(_ *Server, b *Bucket, c *call) *failure {
	o, ok := b.objects[c.key]
	if !ok {
		return noKey()
	}
	if f := o.condition(c.r.Header.Get("If-Match"), c.r.Header.Get("If-None-Match")); f != nil {
		return f
	}
	if o.class == "Archive" && c.r.Method == http.MethodGet {
		return frozen()
	}
	start, end, partial := 0, len(o.data), false
	if spec := c.r.Header.Get("Range"); spec != "" {
		var f *failure
		if start, end, partial, f = o.slice(spec, c.r.Header.Get("x-oss-range-behavior") == "standard"); f != nil {
			return f
		}
	}
	h := c.w.Header()
	for name, values := range o.header {
		h[name] = values
	}
	h.Set("ETag", o.etag)
	h.Set("Last-Modified", o.modified.Format(http.TimeFormat))
	h.Set("Accept-Ranges", "bytes")
	h.Set("x-oss-object-type", o.kind)
	h.Set("x-oss-storage-class", o.class)
	h.Set("x-oss-hash-crc64ecma", strconv.FormatUint(o.crc, 10))
	if o.md5 != "" {
		h.Set("Content-MD5", o.md5)
	}
	if o.version != "" {
		h.Set("x-oss-version-id", o.version)
	}
	if !partial && o.packs(c) {
		o.pack(c)
		return nil
	}
	h.Set("Content-Length", fmt.Sprint(end-start))
	if partial {
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", start, end-1, len(o.data)))
	}
	c.content = func() {
		if partial {
			c.w.WriteHeader(http.StatusPartialContent)
		}
		_, _ = c.w.Write(o.data[start:end])
	}
	return nil
}

func frozen() *failure {
	return fail(http.StatusForbidden, "InvalidObjectState", "The operation is not valid for the object's state.")
}

func (o *object) condition(match, noneMatch string) *failure {
	same := func(tag string) bool { return strings.Trim(tag, `"`) == strings.Trim(o.etag, `"`) }
	switch {
	case match != "" && !same(match):
		return fail(http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold.")
	case noneMatch != "" && same(noneMatch):
		return fail(http.StatusNotModified, "NotModified", "Not Modified")
	}
	return nil
}

// slice reads a Range header. One that is not within the object is ignored, and
// the whole object sent, unless the request asks for the standard's behaviour
// (help/developer-reference/getobject, Range and x-oss-range-behavior).
func (o *object) slice(spec string, standard bool) (start, end int, partial bool, f *failure) {
	size := len(o.data)
	whole := func() (int, int, bool, *failure) { return 0, size, false, nil }
	from, to, ok := strings.Cut(strings.TrimPrefix(spec, "bytes="), "-")
	if !ok || !strings.HasPrefix(spec, "bytes=") {
		return whole()
	}
	switch {
	case from == "":
		n, err := strconv.Atoi(to)
		if err != nil || n <= 0 {
			return whole()
		}
		return max(0, size-n), size, true, nil
	default:
		var err error
		if start, err = strconv.Atoi(from); err != nil {
			return whole()
		}
		end = size
		if to != "" {
			last, err := strconv.Atoi(to)
			if err != nil || last < start {
				return whole()
			}
			end = last + 1
		}
	}
	switch {
	case start < size && end <= size:
		return start, end, true, nil
	case !standard:
		return whole()
	case start >= size:
		return 0, 0, false, fail(http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The requested range cannot be satisfied.")
	}
	return start, size, true, nil
}

// deleteObject answers 204 whether or not there was an object
// (help/developer-reference/deleteobject). With versioning what is deleted is
// only covered by a marker: the key shows nothing from then on.
func deleteObject(_ *Server, b *Bucket, c *call) *failure {
	if b.versioning != "" {
		c.w.Header().Set("x-oss-delete-marker", "true")
	}
	delete(b.objects, c.key)
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// deleteMany needs the digest of its document
// (help/developer-reference/deletemultipleobjects).
func deleteMany(_ *Server, b *Bucket, c *call) *failure {
	if c.r.Header.Get("Content-MD5") == "" {
		return fail(http.StatusBadRequest, "MissingArgument", "Missing Some Required Arguments.")
	}
	if _, f := c.digest(); f != nil {
		return f
	}
	var in struct {
		Quiet  bool
		Object []struct{ Key string }
	}
	if err := xml.Unmarshal(c.body, &in); err != nil || len(in.Object) == 0 || len(in.Object) > 1000 {
		return malformed()
	}
	type deleted struct{ Key string }
	out := struct {
		XMLName      xml.Name `xml:"DeleteResult"`
		EncodingType string   `xml:",omitempty"`
		Deleted      []deleted
	}{EncodingType: c.query.Get("encoding-type")}
	for _, o := range in.Object {
		delete(b.objects, o.Key)
		if !in.Quiet {
			out.Deleted = append(out.Deleted, deleted{c.named(o.Key)})
		}
	}
	return c.xml(out)
}

func malformed() *failure {
	return fail(http.StatusBadRequest, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema.")
}

const maxCopy = 5 << 30 // help/developer-reference/copyobject, usage notes

// copyObject copies within the account (help/developer-reference/copyobject).
// Attributes go along unless the directive says REPLACE.
func copyObject(s *Server, b *Bucket, c *call) *failure {
	source, err := url.PathUnescape(c.r.Header.Get("x-oss-copy-source"))
	if err != nil {
		return invalid("Copy source encoding error.")
	}
	name, key, _ := strings.Cut(strings.TrimPrefix(source, "/"), "/")
	from, ok := s.buckets[name]
	if !ok {
		return fail(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist.")
	}
	old, ok := from.objects[key]
	switch {
	case !ok:
		return noKey()
	case old.class == "Archive":
		return frozen()
	case len(old.data) > maxCopy:
		return fail(http.StatusBadRequest, "EntityTooLarge", "The copy source is larger than 5 GB.")
	}
	if f := old.condition(c.r.Header.Get("x-oss-copy-source-if-match"), c.r.Header.Get("x-oss-copy-source-if-none-match")); f != nil {
		return f
	}
	if b.protects(c) {
		return exists()
	}
	o := *old
	if c.r.Header.Get("x-oss-metadata-directive") == "REPLACE" {
		var f *failure
		if o.header, f = c.attributes(); f != nil {
			return f
		}
	}
	b.store(s, c, &o)
	return c.xml(struct {
		XMLName            xml.Name `xml:"CopyObjectResult"`
		ETag, LastModified string
	}{ETag: o.etag, LastModified: iso(o.modified)})
}
