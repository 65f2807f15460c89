package bucket_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

// refusals has URLs that are refused, and what the message says to do. What is
// secret in them is hushhush.
var refusals = map[string]string{
	"":                                 "want a bucket URL such as",
	"gs://b#archive":                   "%23",
	"gs://b?prefix=a/#hushhush":        "a fragment",
	"file:///d#x":                      "a fragment",
	"gs://b?prefix=siem/ # hushhush":   "white space",
	"gs://b?prefix=a b/":               "%20",
	"gs://b\n":                         "white space or a control character",
	"file:///my dir":                   "%20",
	"gs://b?prefix=a\u00a0b":           "white space",
	"gs://b?prefix=a\x7f":              "control character",
	"gs://b?prefix=a%0Ab":              "control character",
	"gs://b?prefix=a%20":               "begins or ends with white space",
	"gs://b?prefix=a+b/":               "%2B",
	"gs://b?prefix=a/&prefix=b/":       "given twice",
	"gs://b?prefix=%zz":                "cannot be read",
	"gs://b?prefix=a;b":                "%3B",
	"gs://b?prefix=/logs":              "without a slash before it",
	"gs://b?prefix=a//b":               "none doubled",
	"gs://b?prefix=a/../b":             "full name",
	"gs://b?prefix=.":                  "full name",
	"gs://b?access_id=hushhush":        `parameter "access_id" is not understood: want one of prefix, anonymous`,
	"gs://b?key=hushhush":              `"key" is not understood`,
	"gs://b?anonymous=hushhush":        "parameter anonymous: want true or false",
	"gs://b:443":                       "no bucket's name",
	"gs://b/folder/deep":               "gs://b?prefix=folder/deep/",
	"gs://?token=hushhush":             `"token" is not understood`,
	"gs://?prefix=hushhush":            "names no bucket: want gs://name",
	"b/folder":                         "gs://b?prefix=folder/",
	"gs:b":                             "too few slashes: want gs://name",
	"file:/dir":                        "too few slashes: want file:///directory",
	"mem:":                             "too few slashes: want mem://",
	"https://b.example/x?sig=hushhush": "scheme https:// is not understood: want one of file, gs, mem",
	"file://dir/sub":                   "file:///dir/sub for an absolute directory, or file://./dir/sub",
	"file://localhost/dir":             "is a host",
	"file://":                          "names no directory",
	"file:///d?region=x":               `"region" is not understood`,
	"file:///d?create_dir=yes":         "create_dir: want true or false",
	"file:///d?metadata=keep":          "metadata: want skip",
	"file:///d?dir_file_mode=rwx":      "an octal number",
	"file:///d%00":                     "control character",
	"mem://name":                       "no name: write mem://",
	"mem://?nomd5":                     `"nomd5" is not understood`,
	"s3://b?region=x&accelerate=maybe": "parameter accelerate: want true or false",
	"s3://b?region=x&ssetype=rot13":    "parameter ssetype: want one of",
	"s3://key:hushhush@b":              "credentials do not belong",
	"s3://key:hushhush":                "not a bucket URL",
	"s3://b?" + strings.Repeat("x", 40) + "hushhush": "is not understood",
}

func TestParseRefuses(t *testing.T) {
	for raw, want := range refusals {
		_, err := bucket.Parse(raw)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hushhush") {
			t.Errorf("%q: %v, want %q", raw, err, want)
		}
	}
}

func TestPrefixIsAFolder(t *testing.T) {
	dir := t.TempDir()
	whole := open(t, "file://"+dir)
	for _, key := range []string{"logs/a", "logs/day/b", "logs-other/c", "logs"} {
		if err := whole.PutJSON(t.Context(), key+".x", 1); err != nil {
			t.Fatal(err)
		}
	}
	for _, prefix := range []string{"logs", "logs/", "logs%2F"} {
		b := open(t, "file://"+dir+"?prefix="+prefix)
		if got, err := b.Keys(t.Context(), ""); err != nil || !slices.Equal(got, []string{"a.x", "day/b.x"}) {
			t.Errorf("keys below prefix=%s: %v, %v", prefix, got, err)
		}
	}
	for raw, want := range map[string]string{
		"b?prefix=logs": "gs://b logs/", "s3://b?prefix=a/b": "s3://b a/b/", "r2://b?prefix=a%20b": "r2://b a b/",
		"file:///d?prefix=p": "file:// p/", "mem://?prefix=p/": "mem:// p/", "gs://b": "gs://b ",
	} {
		if a, err := bucket.Parse(raw); err != nil || a.Scheme+"://"+a.Name+" "+a.Prefix != want {
			t.Errorf("%s: %+v, %v", raw, a, err)
		}
	}
}

func TestRelativeDirectory(t *testing.T) {
	t.Chdir(t.TempDir())
	b := open(t, "file://./sub/dir?create_dir=true&prefix=p")
	if err := b.PutJSON(t.Context(), "k", 1); err != nil {
		t.Fatal(err)
	}
	if got, err := open(t, "file://./sub").Keys(t.Context(), ""); err != nil || !slices.Equal(got, []string{"dir/p/k"}) {
		t.Errorf("%v, %v", got, err)
	}
}

func FuzzURL(f *testing.F) {
	for raw := range refusals {
		f.Add(raw)
	}
	for _, raw := range []string{
		"name", "name?prefix=p", "gs://b?universe_domain=x.example&anonymous=1", "s3://b?endpoint=http://[::1]:9&region=x",
		"r2://b?account_id=1&jurisdiction=eu", "file:///a%20b/%25?metadata=skip&dir_file_mode=0750", "file://./../x", "file:////a", "mem://?prefix=%2B%23",
	} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		a, err := bucket.Parse(raw)
		if err != nil {
			if at := strings.LastIndex(raw, "hushhush"); at > 0 && strings.Contains(err.Error(), "hushhush") && secret(raw, at) {
				t.Errorf("%q: the error holds the secret: %v", raw, err)
			}
			return
		}
		again, err := bucket.Parse(a.String())
		if err != nil || again.String() != a.String() || again.Scheme != a.Scheme || again.Name != a.Name || again.Prefix != a.Prefix {
			t.Errorf("%q is %q, which is %+v, %v", raw, a, again, err)
		}
		if a.Prefix != "" && (!strings.HasSuffix(a.Prefix, "/") || strings.HasPrefix(a.Prefix, "/")) {
			t.Errorf("%q: prefix %q is no folder", raw, a.Prefix)
		}
		sub := a.Sub("quarantine")
		if got, err := bucket.Parse(sub.String()); err != nil || got.Prefix != a.Prefix+"quarantine/" {
			t.Errorf("below %q: %+v, %v", raw, got, err)
		}
	})
}

// secret tells whether what stands at raw[at:] is where a secret may be: behind
// the = of a parameter, in a fragment, or before an @.
func secret(raw string, at int) bool {
	return strings.ContainsAny(raw[:at], "=#") || strings.Contains(raw[at:], "@")
}
