package oss

import (
	"crypto/md5" //nolint:gosec // what the service's ETags are
	"crypto/rand"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"hash/crc64"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

const (
	maxParts = 10_000
	minPart  = 100 << 10 // but for the last (help/developer-reference/completemultipartupload)
	maxPart  = 5 << 30
)

// upload is a multipart upload that is neither completed nor aborted.
type upload struct {
	key    string
	header http.Header
	parts  map[int]part
}

type part struct {
	data []byte
	etag string // without quotes
	sum  [md5.Size]byte
}

// initiate begins an upload (help/developer-reference/initiatemultipartupload).
// With x-oss-forbid-overwrite it is refused at once where an object is there;
// what that header says here does not bind the completion.
func initiate(_ *Server, b *Bucket, c *call) *failure {
	if f := c.unconditional(); f != nil {
		return f
	}
	header, f := c.attributes()
	if f != nil {
		return f
	}
	if b.protects(c) {
		return exists()
	}
	id := rand.Text()
	b.uploads[id] = &upload{key: c.key, header: header, parts: map[int]part{}}
	return c.xml(struct {
		XMLName      xml.Name `xml:"InitiateMultipartUploadResult"`
		EncodingType string   `xml:",omitempty"`
		Bucket, Key  string
		UploadID     string `xml:"UploadId"`
	}{EncodingType: c.query.Get("encoding-type"), Bucket: b.name, Key: c.named(c.key), UploadID: id})
}

func (b *Bucket) upload(c *call) (*upload, *failure) {
	u, ok := b.uploads[c.query.Get("uploadId")]
	if !ok || u.key != c.key {
		return nil, fail(http.StatusNotFound, "NoSuchUpload", "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.")
	}
	return u, nil
}

// uploadPart takes a part, or replaces it (help/developer-reference/uploadpart).
func uploadPart(_ *Server, b *Bucket, c *call) *failure {
	u, f := b.upload(c)
	if f != nil {
		return f
	}
	number, err := strconv.Atoi(c.query.Get("partNumber"))
	switch {
	case err != nil, number < 1, number > maxParts:
		return invalid("PartNumber must be an integer between 1 and 10000, inclusive.")
	case len(c.body) > maxPart:
		return fail(http.StatusBadRequest, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size.")
	}
	sum, f := c.digest()
	if f != nil {
		return f
	}
	p := part{c.body, strings.ToUpper(hex.EncodeToString(sum[:])), sum}
	u.parts[number] = p
	c.w.Header().Set("ETag", `"`+p.etag+`"`)
	c.w.Header().Set("x-oss-hash-crc64ecma", strconv.FormatUint(crc64.Checksum(p.data, crcTable), 10))
	return nil
}

// complete makes an object of the parts that are listed
// (help/developer-reference/completemultipartupload). Its ETag tells versions
// apart and is not the MD5 of the content. A refusal leaves the upload as it is.
func complete(s *Server, b *Bucket, c *call) *failure {
	if f := c.unconditional(); f != nil {
		return f
	}
	u, f := b.upload(c)
	if f != nil {
		if s.opts.ExistsFirst && b.protects(c) {
			return exists()
		}
		return f
	}
	if _, f := c.digest(); f != nil {
		return f
	}
	var in struct {
		Part []struct {
			PartNumber int
			ETag       string
		}
	}
	if err := xml.Unmarshal(c.body, &in); err != nil || len(in.Part) == 0 {
		return malformed()
	}
	var data []byte
	sums := md5.New() //nolint:gosec // as above
	for i, want := range in.Part {
		p, ok := u.parts[want.PartNumber]
		switch {
		case i > 0 && want.PartNumber <= in.Part[i-1].PartNumber:
			return fail(http.StatusBadRequest, "InvalidPartOrder", "The list of parts was not in ascending order.")
		case !ok, strings.Trim(want.ETag, `"`) != p.etag:
			return fail(http.StatusBadRequest, "InvalidPart", "One or more of the specified parts could not be found or the specified entity tag might not have matched the part's entity tag.")
		case len(p.data) < minPart && i < len(in.Part)-1:
			return fail(http.StatusBadRequest, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed object size.")
		}
		data = append(data, p.data...)
		_, _ = sums.Write(p.sum[:])
	}
	if b.protects(c) {
		return exists()
	}
	o := &object{data: data, kind: "Multipart", header: u.header, etag: fmt.Sprintf(`"%X-%d"`, sums.Sum(nil), len(in.Part))}
	b.store(s, c, o)
	delete(b.uploads, c.query.Get("uploadId"))
	return c.xml(struct {
		XMLName                     xml.Name `xml:"CompleteMultipartUploadResult"`
		EncodingType                string   `xml:",omitempty"`
		Location, Bucket, Key, ETag string
	}{EncodingType: c.query.Get("encoding-type"), Location: "http://" + c.r.Host + c.r.URL.EscapedPath(), Bucket: b.name, Key: c.named(c.key), ETag: o.etag})
}

// abort drops an upload; of one that is over it answers NoSuchUpload
// (help/developer-reference/abortmultipartupload).
func abort(_ *Server, b *Bucket, c *call) *failure {
	if _, f := b.upload(c); f != nil {
		return f
	}
	delete(b.uploads, c.query.Get("uploadId"))
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

func listUploads(_ *Server, b *Bucket, c *call) *failure {
	type one struct {
		Key      string
		UploadID string `xml:"UploadId"`
	}
	out := struct {
		XMLName      xml.Name `xml:"ListMultipartUploadsResult"`
		Bucket       string
		EncodingType string `xml:",omitempty"`
		IsTruncated  bool
		Upload       []one
	}{Bucket: b.name, EncodingType: c.query.Get("encoding-type")}
	for _, id := range slices.Sorted(maps.Keys(b.uploads)) {
		out.Upload = append(out.Upload, one{c.named(b.uploads[id].key), id})
	}
	return c.xml(out)
}
