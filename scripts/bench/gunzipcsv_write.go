package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"gocloud.dev/blob"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

// writeFloor writes BENCH_BYTES bytes, those of the file BENCH_PLAIN again and
// again, to BENCH_OBJECTS objects of BENCH_DEST: on files as the function does
// too, on S3 with the SDK's own upload and all its defaults.
func writeFloor(ctx context.Context) error {
	text, err := os.ReadFile(os.Getenv("BENCH_PLAIN"))
	if err != nil {
		return err
	}
	size, err := strconv.ParseInt(os.Getenv("BENCH_BYTES"), 10, 64)
	if err != nil {
		return err
	}
	objects, err := strconv.ParseInt(os.Getenv("BENCH_OBJECTS"), 10, 64)
	if err != nil {
		return err
	}
	dest, err := url.Parse(os.Getenv("BENCH_DEST"))
	if err != nil {
		return err
	}
	b, err := bucket.Open(ctx, dest.String())
	if err != nil {
		return err
	}
	defer func() { _ = b.Close() }()
	for i := range objects {
		key := fmt.Sprintf("floor-%d.csv", i)
		src := io.LimitReader(&again{text: text}, size/objects)
		if dest.Scheme == "s3" {
			err = upload(ctx, dest, key, src, os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"))
		} else { // with metadata, as the function's targets have them
			_, err = b.Put(ctx, key, src, blob.WriterOptions{ContentType: "text/csv", Metadata: map[string]string{"k": "v"}})
		}
		if err != nil {
			return err
		}
	}
	return nil
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
