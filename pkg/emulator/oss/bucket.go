package oss

import (
	"crypto/md5" //nolint:gosec // which is what an ETag is
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"hash/crc64"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Bucket is a bucket of the account, to set up and to look into. What a request
// does to it, it does under the server's lock.
type Bucket struct {
	name    string
	mu      *sync.Mutex
	created time.Time
	// versioning is empty, Enabled or Suspended: it can be suspended, and never
	// taken back (help/user-guide/overview-78).
	versioning string
	objects    map[string]*object
	uploads    map[string]*upload
}

// AddBucket creates a bucket, or returns the one there is.
func (s *Server) AddBucket(name string) *Bucket {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b, ok := s.buckets[name]; ok {
		return b
	}
	b := &Bucket{name: name, mu: &s.mu, created: s.opts.Now(), objects: map[string]*object{}, uploads: map[string]*upload{}}
	s.buckets[name] = b
	return b
}

// SetVersioning sets the state of versioning: Enabled or Suspended.
func (b *Bucket) SetVersioning(status string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.versioning = status
}

// Unfinished counts the multipart uploads that are neither completed nor
// aborted.
func (b *Bucket) Unfinished() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.uploads)
}

// DropUploads aborts all uploads, as a lifecycle rule for incomplete ones does.
func (b *Bucket) DropUploads() {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.uploads)
}

// Keys are those of the objects, in order.
func (b *Bucket) Keys() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Sorted(maps.Keys(b.objects))
}

// Fill stores an object as if it had been uploaded at modified.
func (b *Bucket) Fill(key string, data []byte, modified time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	sum := md5.Sum(data) //nolint:gosec // which is what an ETag is
	b.objects[key] = &object{
		data: data, kind: "Normal", etag: fmt.Sprintf("%q", fmt.Sprintf("%X", sum)), md5: base64.StdEncoding.EncodeToString(sum[:]),
		crc: crc64.Checksum(data, crcTable), modified: modified.UTC().Truncate(time.Second), header: http.Header{}, class: "Standard",
	}
}

// Archive moves an object to the storage class Archive, as a lifecycle rule
// does: until it is restored it cannot be read.
func (b *Bucket) Archive(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if o, ok := b.objects[key]; ok {
		archived := *o
		archived.class = "Archive"
		b.objects[key] = &archived
	}
}

// protects tells whether a request that forbids overwriting would overwrite
// key. With versioning enabled or suspended the header takes no effect
// (help/developer-reference/putobject, x-oss-forbid-overwrite).
func (b *Bucket) protects(c *call) bool {
	if c.r.Header.Get("x-oss-forbid-overwrite") != "true" || b.versioning != "" {
		return false
	}
	_, there := b.objects[c.key]
	return there
}

// getVersioning answers an empty document for a bucket that never had it
// enabled (help/developer-reference/getbucketversioning).
func getVersioning(_ *Server, b *Bucket, c *call) *failure {
	return c.xml(struct {
		XMLName xml.Name `xml:"VersioningConfiguration"`
		Status  string   `xml:",omitempty"`
	}{Status: b.versioning})
}

func getLocation(s *Server, _ *Bucket, c *call) *failure {
	return c.xml(struct {
		XMLName xml.Name `xml:"LocationConstraint"`
		Text    string   `xml:",chardata"`
	}{Text: "oss-" + s.opts.Region})
}

func getInfo(s *Server, b *Bucket, c *call) *failure {
	type info struct {
		Name             string
		Location         string
		CreationDate     string
		ExtranetEndpoint string
		IntranetEndpoint string
		StorageClass     string
		Versioning       string `xml:",omitempty"`
	}
	return c.xml(struct {
		XMLName xml.Name `xml:"BucketInfo"`
		Bucket  info
	}{Bucket: info{
		Name: b.name, Location: "oss-" + s.opts.Region, CreationDate: iso(b.created),
		ExtranetEndpoint: "oss-" + s.opts.Region + ".aliyuncs.com", IntranetEndpoint: "oss-" + s.opts.Region + "-internal.aliyuncs.com",
		StorageClass: "Standard", Versioning: b.versioning,
	}})
}

func iso(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
