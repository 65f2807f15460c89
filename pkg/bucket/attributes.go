package bucket

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"gocloud.dev/blob"
)

// attributes are those of an object in a directory, as fileblob reads them from
// the file beside it (gocloud.dev/blob/fileblob/attrs.go). They lack the MD5.
type attributes struct {
	CacheControl       string            `json:"user.cache_control"`
	ContentDisposition string            `json:"user.content_disposition"`
	ContentEncoding    string            `json:"user.content_encoding"`
	ContentLanguage    string            `json:"user.content_language"`
	ContentType        string            `json:"user.content_type"`
	Metadata           map[string]string `json:"user.metadata"`
}

func attributesOf(opts blob.WriterOptions) attributes {
	a := attributes{
		CacheControl: opts.CacheControl, ContentDisposition: opts.ContentDisposition,
		ContentEncoding: opts.ContentEncoding, ContentLanguage: opts.ContentLanguage,
		ContentType: opts.ContentType, Metadata: make(map[string]string, len(opts.Metadata)),
	}
	for k, v := range opts.Metadata {
		a.Metadata[strings.ToLower(k)] = v // as gocloud does, whatever the kind of bucket
	}
	return a
}

// attributesFile is where the attributes of the object in file are.
func attributesFile(file string) string { return file + attributesExt }

const attributesExt = ".attrs"

// write writes the attributes of the object in file.
func (a attributes) write(file string) error {
	data, err := json.Marshal(a)
	if err != nil {
		return err
	}
	// The umask decides, as with the content.
	if err := os.WriteFile(attributesFile(file), data, 0o666); err != nil { //nolint:gosec // see above
		return errors.Join(err, removeAttributes(file))
	}
	return nil
}

func removeAttributes(file string) error {
	if err := os.Remove(attributesFile(file)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove attributes: %w", err)
	}
	return nil
}
