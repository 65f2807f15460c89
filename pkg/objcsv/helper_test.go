package objcsv

import (
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/klauspost/compress/gzip"
)

func gz(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func newConverter(t testing.TB, o Options) *Converter {
	t.Helper()
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// outcome is everything a conversion told.
type outcome struct {
	csv      string
	res      Result
	err      error
	rejected []reject
}

type reject struct {
	Line, Offset int64
	Code         Code
	Record       string
}

func convert(t testing.TB, c *Converter, object []byte) outcome {
	t.Helper()
	return convertFrom(t.Context(), c, bytes.NewReader(object))
}

func convertFrom(ctx context.Context, c *Converter, src io.Reader) (o outcome) {
	var out bytes.Buffer
	o.res, o.err = c.Convert(ctx, &out, src, func(r Rejected) error {
		raw, err := io.ReadAll(r.Record)
		o.rejected = append(o.rejected, reject{r.Line, r.Offset, r.Code, string(raw)})
		return err
	})
	o.csv = out.String()
	return o
}

// stored gzips text without compressing it, which is quick.
func stored(text string) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.NoCompression)
	_, _ = io.WriteString(w, text) // a bytes.Buffer does not fail
	_ = w.Close()
	return b.Bytes()
}
