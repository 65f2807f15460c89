package bucket

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"cloud.google.com/go/storage"
	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"gocloud.dev/blob"
)

// ListedVersion is what a list, of any bucket, tells of the version of an object,
// in one word: it changes when the content does (gs: the generation; s3, r2, oss:
// size and ETag; file, mem: size and time, to the nanosecond where the file system
// has it). It may change without that, as when the object is copied.
func ListedVersion(o *blob.ListObject) string {
	var gs storage.ObjectAttrs
	if o.As(&gs) && gs.Generation != 0 {
		return strconv.FormatInt(gs.Generation, 10)
	}
	var s3 types.Object
	if o.As(&s3) && s3.ETag != nil {
		return fmt.Sprintf("%d %s", o.Size, *s3.ETag)
	}
	var properties oss.ObjectProperties
	if o.As(&properties) && properties.ETag != nil {
		return fmt.Sprintf("%d %s", o.Size, *properties.ETag)
	}
	return fmt.Sprintf("%d %d %s", o.Size, o.ModTime.UnixNano(), hex.EncodeToString(o.MD5))
}

// ListedETag returns the ETag that [Bucket.Attributes] has of an object, as far as
// a list tells it: empty if it does not.
func (b *Bucket) ListedETag(o *blob.ListObject) string {
	if b.kind == "file" || b.kind == "mem" { // gocloud.dev/blob/fileblob/fileblob.go, memblob/memblob.go
		return fmt.Sprintf("\"%x-%x\"", o.ModTime.UnixNano(), o.Size)
	}
	var s3 types.Object
	if o.As(&s3) && s3.ETag != nil {
		return quoted(*s3.ETag)
	}
	var properties oss.ObjectProperties
	if o.As(&properties) && properties.ETag != nil {
		return quoted(*properties.ETag)
	}
	var gs storage.ObjectAttrs
	if o.As(&gs) {
		return quoted(gs.Etag)
	}
	return ""
}

// quoted puts an ETag in quotes, unless it is, or there is none.
func quoted(etag string) string {
	if etag == "" || strings.HasPrefix(etag, `"`) {
		return etag
	}
	return `"` + etag + `"`
}

// ContentTag returns what an object's ETag, from any kind of bucket, says of its
// content: two are equal if they are of one version, though its metadata changed
// between. Only on gs is that less than the ETag, which there is made of the
// generation and of the number of changes of the metadata since. Such a
// change needs nobody's hand: a lifecycle rule or Autoclass that moves an object
// to a colder class makes one (docs.cloud.google.com/storage/docs/metadata,
// "Generation and metageneration").
//
// That ETag is the base64 of two varints, each behind its number as in protocol
// buffers: CKih16GjycICEAE= is generation 1418688703353000 and metageneration 1.
// What is not of just this form is returned as it is.
func ContentTag(etag string) string {
	data, err := base64.StdEncoding.DecodeString(strings.Trim(etag, `"`))
	if err != nil {
		return etag
	}
	generation, rest, ok := field(data, 1)
	if !ok {
		return etag
	}
	if _, rest, ok = field(rest, 2); !ok || len(rest) > 0 {
		return etag
	}
	return strconv.FormatUint(generation, 10)
}

// field reads the varint that is field number of a message in protocol buffers
// (protobuf.dev/programming-guides/encoding), if that is what data begins with.
func field(data []byte, number byte) (value uint64, rest []byte, ok bool) {
	if len(data) == 0 || data[0] != number<<3 {
		return 0, nil, false
	}
	value, n := binary.Uvarint(data[1:])
	if n <= 0 {
		return 0, nil, false
	}
	return value, data[1+n:], true
}
