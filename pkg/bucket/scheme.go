package bucket

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strings"

	"gocloud.dev/blob"
)

// scheme is a kind of bucket: what its URLs may say, and how one is opened.
type scheme struct {
	// example is a URL of this kind, for who wrote another.
	example string
	// params are the parameters it takes, besides prefix.
	params []string
	// place reads what lies between the scheme and the parameters: [named], or
	// its own.
	place func(*Address, *url.URL) error
	// check tells what is wrong with the parameters; nil if nothing can be. Its
	// errors never hold a value that may be secret.
	check func(Address) error
	// open sets b's Bucket, and what else the kind needs, without the prefix. It
	// asks nothing of the store.
	open func(ctx context.Context, b *Bucket, a Address, o options) error
	// home tells which store, of all of this kind, holds the bucket: nil if
	// there is only one.
	home func(Address) home
	// part is the size of an upload's parts in bytes, unless its options say
	// another; 0 if an object goes out in one piece.
	part int
	// hold is how many bytes of an object are held back before its upload begins:
	// one that is no larger goes out in one request, of a part of its own size. It
	// is 0 where the client takes no more memory than it needs by itself.
	hold int
}

// schemes has every kind of bucket there is.
var schemes map[string]scheme

func init() { // the functions below look schemes up themselves
	schemes = map[string]scheme{
		"gs": {
			example: "gs://name?prefix=folder/", params: gsParams,
			place: named, check: checkGS, open: openGS, part: MinPart, hold: 1 << 20,
		},
		"s3": {
			example: "s3://name?region=…&prefix=folder/", params: s3Params,
			place: named, check: checkS3, open: openS3, home: s3Home, part: MinPart, hold: MinPart,
		},
		"r2": {
			example: "r2://name?account_id=…&prefix=folder/", params: r2Params,
			place: named, check: checkR2, open: openR2, home: r2Home, part: MinPart, hold: MinPart,
		},
		"oss": {
			example: "oss://name?region=…&prefix=folder/", params: ossParams,
			place: named, check: checkOSS, open: openOSS, home: ossHome, part: 8 << 20,
		},
		"file": {
			example: "file:///directory?prefix=folder/", params: fileParams,
			place: placeFile, check: checkFile, open: openFile,
		},
		"mem": {
			example: "mem://",
			place:   placeMem, open: openMem,
		},
	}
}

func schemeNames() string {
	return strings.Join(slices.Sorted(maps.Keys(schemes)), ", ")
}

// under puts b's bucket below the prefix of its address.
func under(b *blob.Bucket, a Address) *blob.Bucket {
	if b == nil || a.Prefix == "" {
		return b
	}
	return blob.PrefixedBucket(b, a.Prefix)
}
