package bucket_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

// Of two folders of one bucket one lies inside the other exactly if its path
// begins with the other's, however the two URLs are written, and never in both
// directions unless they are the same.
func TestInsideIsAboutFolders(t *testing.T) {
	dir := t.TempDir()
	kinds := map[string]func(rt *rapid.T, folder string) string{
		"gs": func(rt *rapid.T, folder string) string {
			return join(pick(rt, "gs://b", "b", "s3://b?endpoint=https://storage.googleapis.com"), with(rt, folder))
		},
		"s3": func(rt *rapid.T, folder string) string {
			return join(pick(rt, "s3://b", "s3://b?region=x", "s3://b?endpoint=https://s3.eu-west-1.amazonaws.com"), with(rt, folder))
		},
		"r2": func(rt *rapid.T, folder string) string {
			return join(pick(rt, "r2://b", "r2://b?account_id=a1", "s3://b?endpoint=https://a1.eu.r2.cloudflarestorage.com"), with(rt, folder))
		},
		"minio": func(rt *rapid.T, folder string) string {
			return join(pick(rt, "s3://b?endpoint=https://minio.example", "s3://b?endpoint=https://MINIO.example:443/"), with(rt, folder))
		},
		"file": func(rt *rapid.T, folder string) string {
			at := rapid.IntRange(0, strings.Count(folder, "/")).Draw(rt, "of it in the path")
			parts := strings.SplitAfterN(folder, "/", at+1)
			path := strings.ReplaceAll(strings.Join(parts[:at], ""), " ", "%20")
			return join("file://"+dir+"/"+path, with(rt, parts[at]))
		},
	}
	folders := rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "aa", "b", "a b", "ü"}), 0, 4), func(parts []string) string {
		if len(parts) == 0 {
			return ""
		}
		return strings.Join(parts, "/") + "/"
	})
	for kind, at := range kinds {
		t.Run(kind, rapid.MakeCheck(func(rt *rapid.T) {
			x, y := folders.Draw(rt, "x"), folders.Draw(rt, "y")
			if rapid.Bool().Draw(rt, "below") {
				y = x + y
			}
			a, b := at(rt, x), at(rt, y)
			for _, tc := range []struct{ inner, outer, in, out string }{{a, b, x, y}, {b, a, y, x}} {
				got, err := bucket.Inside(tc.inner, tc.outer)
				if want := strings.HasPrefix(tc.in, tc.out); got != want || err != nil {
					rt.Errorf("Inside(%s, %s) = %v, %v", tc.inner, tc.outer, got, err)
				}
			}
			sub, err := bucket.Sub(a, "q")
			if err != nil {
				rt.Fatal(err)
			}
			if in, err := bucket.Inside(sub, a); !in || err != nil {
				rt.Errorf("%s is not inside %s: %v", sub, a, err)
			}
			if in, err := bucket.Inside(a, sub); in || err != nil {
				rt.Errorf("%s is inside %s: %v", a, sub, err)
			}
		}))
	}
}

func pick(rt *rapid.T, urls ...string) string { return rapid.SampledFrom(urls).Draw(rt, "URL") }

// with writes a folder as a parameter, in one of the ways there are.
func with(rt *rapid.T, folder string) string {
	if folder == "" {
		return ""
	}
	if rapid.Bool().Draw(rt, "without a slash") {
		folder = strings.TrimSuffix(folder, "/")
	}
	return "prefix=" + strings.ReplaceAll(folder, " ", "%20")
}

// join puts a parameter behind a URL that may have some.
func join(url, param string) string {
	switch {
	case param == "":
		return url
	case strings.Contains(url, "?"):
		return url + "&" + param
	}
	return url + "?" + param
}
