package bucket

import "github.com/aws/aws-sdk-go-v2/service/s3"

// MinPart is the least size in bytes of an upload's parts. Smaller ones cost a
// round trip more often; S3 and R2 take 5 MiB and more.
const MinPart = 8 << 20

// MaxParts is how many parts an upload may have on S3, R2 and OSS
// (docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html).
const MaxParts = 10_000

// PartSize returns the least [blob.WriterOptions] BufferSize, in bytes, with
// which an object of most bytes can be uploaded to any kind of bucket: 8 MiB
// carry 78 GiB, and 525 MiB the 5 TiB that are the most there is. It has to be
// settled before the first part, since R2 takes only parts of one size, the
// last one apart. Whoever knows a bound of what is written should give it: an
// upload holds two parts and more in memory.
func PartSize(most int64) int {
	const unit = 1 << 20
	size := (most + MaxParts - 1) / MaxParts
	return int(max(MinPart, (size+unit-1)/unit*unit))
}

// bound limits the memory an upload takes, where opts leaves that open: by
// default gs takes 16 MiB a writer, and s3 five parts at once. With a
// MaxConcurrency of more, more parts are under way at a time.
func (u *Upload) bound() {
	b, opts := u.b, &u.opts
	if opts.MaxConcurrency == 0 {
		opts.MaxConcurrency = 1
	}
	if opts.BufferSize == 0 {
		opts.BufferSize = schemes[b.kind].part
	}
	var client *s3.Client
	if b.As(&client) {
		tuneUpload(client, opts, u.take)
	}
}

// smallPart returns the part for an object of n bytes that goes out in one
// request: a multiple of 256 KiB, as Cloud Storage wants it, and larger than n
// (docs.cloud.google.com/storage/docs/performing-resumable-uploads).
func smallPart(n int) int {
	const unit = 256 << 10
	return (n/unit + 1) * unit
}
