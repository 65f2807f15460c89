package bucket

import (
	"encoding/hex"
	"fmt"
	"strconv"

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
