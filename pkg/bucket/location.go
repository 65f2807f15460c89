package bucket

import (
	"net/url"
	"path"
	"path/filepath"
	"strings"
)

// Inside tells whether what is written to the bucket URL inner lands in outer
// or below it: same bucket, and inner's prefix starts with outer's. Two mem://
// buckets are never the same.
func Inside(inner, outer string) (bool, error) {
	in, err := locate(inner)
	if err != nil {
		return false, err
	}
	out, err := locate(outer)
	if err != nil {
		return false, err
	}
	same := in.bucket != "" && in.bucket == out.bucket && (in.account == out.account || in.account == "" || out.account == "")
	return same && strings.HasPrefix(in.prefix, out.prefix), nil
}

// location is where a URL leads. An account that is not known may be any.
type location struct{ bucket, account, prefix string }

func locate(raw string) (location, error) {
	u, err := parse(raw)
	if err != nil {
		return location{}, err
	}
	prefix := u.Query().Get("prefix")
	switch u.Scheme {
	case "mem":
		return location{}, nil
	case "file":
		dir := u.Path
		if u.Host == "." {
			dir = strings.TrimPrefix(dir, "/")
		}
		abs, err := filepath.Abs(filepath.FromSlash(dir))
		if err != nil {
			return location{}, err
		}
		// Sub-directories are folders of the same file system, so the whole
		// path takes the part of a prefix. A link must not hide where it leads.
		abs = resolve(abs)
		return location{"file", "", strings.TrimSuffix(filepath.ToSlash(abs), "/") + "/" + prefix}, nil
	}
	endpoint := u.Query().Get("endpoint")
	account, r2 := r2Account(u, endpoint)
	switch {
	case r2:
		return location{"r2://" + u.Host, account, prefix}, nil
	case u.Scheme == "s3" && endpoint == "":
		endpoint = "AWS"
	}
	return location{u.Scheme + "://" + u.Host, endpoint, prefix}, nil
}

// r2Account returns the account that u leads to on R2, empty if that is left
// to the configuration, and whether u leads to R2 at all: s3:// can, too.
func r2Account(u *url.URL, endpoint string) (account string, r2 bool) {
	e, err := url.Parse(endpoint)
	if err == nil && strings.HasSuffix(e.Hostname(), ".r2.cloudflarestorage.com") {
		account, _, _ = strings.Cut(e.Hostname(), ".")
		return account, true
	}
	if u.Scheme != "r2" {
		return "", false
	}
	if endpoint != "" {
		return endpoint, true
	}
	return u.Query().Get("account_id"), true
}

// resolve follows the links of as much of dir as exists.
func resolve(dir string) string {
	if target, err := filepath.EvalSymlinks(dir); err == nil {
		return target
	}
	parent := filepath.Dir(dir)
	if parent == dir {
		return dir
	}
	return filepath.Join(resolve(parent), filepath.Base(dir))
}

// Sub returns the URL of a folder below a bucket URL: what is set as its
// prefix, or for file:// its directory, with folder appended.
func Sub(raw, folder string) (string, error) {
	u, err := parse(raw)
	if err != nil {
		return "", err
	}
	q := u.Query()
	q.Set("prefix", path.Join(q.Get("prefix"), folder)+"/")
	u.RawQuery = q.Encode()
	return render(u), nil
}
