package main

import (
	"context"
	"io"
	"net/url"
	"os"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"gocloud.dev/blob"
)

// writeFloor writes BENCH_BYTES bytes, those of the file BENCH_PLAIN again and
// again, to an object of BENCH_DEST: on files through the driver that the
// function uses too, on S3 with the SDK's own upload and all its defaults.
func writeFloor(ctx context.Context) error {
	text, err := os.ReadFile(os.Getenv("BENCH_PLAIN"))
	if err != nil {
		return err
	}
	size, err := strconv.ParseInt(os.Getenv("BENCH_BYTES"), 10, 64)
	if err != nil {
		return err
	}
	src := io.LimitReader(&again{text: text}, size)
	u, err := url.Parse(os.Getenv("BENCH_DEST"))
	if err != nil {
		return err
	}
	if u.Scheme == "s3" {
		return upload(ctx, u, "floor.csv", src, os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"))
	}
	b, err := blob.OpenBucket(ctx, u.String())
	if err != nil {
		return err
	}
	defer func() { _ = b.Close() }()
	// With metadata, as the function's targets have them.
	return b.Upload(ctx, "floor.csv", src, &blob.WriterOptions{ContentType: "text/csv", Metadata: map[string]string{"k": "v"}})
}

// upload puts an object as the SDK does by default.
func upload(ctx context.Context, u *url.URL, key string, src io.Reader, keyID, secret string) error {
	client := s3.New(s3.Options{
		BaseEndpoint: aws.String(u.Query().Get("endpoint")), UsePathStyle: true, Region: u.Query().Get("region"),
		Credentials: credentials.NewStaticCredentialsProvider(keyID, secret, ""),
	})
	_, err := transfermanager.New(client).UploadObject(ctx, &transfermanager.UploadObjectInput{
		Bucket: &u.Host, Key: &key, Body: src,
	})
	return err
}

// again reads text without end.
type again struct {
	text []byte
	pos  int
}

func (a *again) Read(p []byte) (int, error) {
	if a.pos == len(a.text) {
		a.pos = 0
	}
	n := copy(p, a.text[a.pos:])
	a.pos += n
	return n, nil
}
