package bucket

import (
	"net"
	"net/url"
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
	same := in.bucket != "" && in.bucket == out.bucket && in.store == out.store &&
		(in.account == out.account || in.account == "" || out.account == "")
	return same && strings.HasPrefix(in.prefix, out.prefix), nil
}

// location is where a URL leads.
type location struct {
	home
	bucket, prefix string
}

// home is a store that gives each name to one bucket of an account. An account
// that is not known may be any.
type home struct{ store, account string }

func locate(raw string) (location, error) {
	a, err := Parse(raw)
	if err != nil {
		return location{}, err
	}
	switch kind := schemes[a.Scheme]; {
	case a.dir != "":
		// Sub-directories are folders of the same file system, so the whole path
		// takes the part of a prefix. A link must not hide where it leads.
		abs, err := filepath.Abs(filepath.FromSlash(a.dir + "/" + a.Prefix))
		if err != nil {
			return location{}, err
		}
		return location{home{store: a.Scheme}, "/", strings.TrimSuffix(filepath.ToSlash(resolve(abs)), "/") + "/"}, nil
	case kind.home != nil:
		return location{kind.home(a), a.Name, a.Prefix}, nil
	default:
		return location{home{store: a.Scheme}, a.Name, a.Prefix}, nil
	}
}

// s3Home: what is reached through the S3 API need not be Amazon's.
func s3Home(a Address) home {
	u, err := url.Parse(a.Param("endpoint"))
	if err != nil {
		return home{}
	}
	switch host := "." + strings.ToLower(u.Hostname()); {
	case u.Host == "", strings.HasSuffix(host, ".amazonaws.com"), strings.HasSuffix(host, ".amazonaws.com.cn"):
		return home{store: "s3"}
	case host == ".storage.googleapis.com":
		return home{store: "gs"}
	case strings.HasSuffix(host, ".aliyuncs.com"):
		return home{store: "oss"}
	case strings.HasSuffix(host, ".r2.cloudflarestorage.com"):
		account, _, _ := strings.Cut(host[1:], ".")
		return home{"r2", account}
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return home{store: net.JoinHostPort(strings.ToLower(u.Hostname()), port)}
}

// r2Home: an account that the URL does not tell is left to the configuration.
func r2Home(a Address) home {
	switch h := s3Home(a); {
	case a.Param("endpoint") == "":
		return home{"r2", a.Param("account_id")}
	case h.store == "r2":
		return h
	default:
		return home{"r2", h.store} // a proxy, or an emulator
	}
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
