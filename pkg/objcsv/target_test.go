package objcsv

import "testing"

func TestTargetKey(t *testing.T) {
	for source, want := range map[string]string{
		"20240821/20240821T054839Z_20240821T054839Z_06b7e0be.log.gz": "20240821/20240821T054839Z_20240821T054839Z_06b7e0be.csv",
		"a/b.c.log.gz":      "a/b.c.csv",
		"a.b/c":             "a.b/c.csv",
		"a.gz":              "a.csv",
		"a.json.gz":         "a.csv",
		"a.ndjson.gz":       "a.csv",
		"a.csv.gz":          "a.csv",
		"a.txt.gz":          "a.csv",
		"a.log":             "a.csv",
		"a.log.json.gz":     "a.log.csv",
		"a.tar.gz":          "a.tar.csv",
		"a.gz.gz":           "a.gz.csv",
		"a.gz.log":          "a.gz.csv",
		"a.LOG.GZ":          "a.LOG.GZ.csv",
		"a log+%2B/é.b.gz":  "a log+%2B/é.b.csv",
		"../x/..log.gz":     "../x/..csv",
		"folder.gz/.log.gz": "folder.gz/.csv",
		"folder.log/":       "folder.log/.csv",
		"":                  ".csv",
	} {
		if got := TargetKey(source); got != want {
			t.Errorf("%q gives %q, want %q", source, got, want)
		}
	}
	if TargetKey("x.1.log.gz") == TargetKey("x.2.log.gz") {
		t.Error("two sources merged at the first dot")
	}
}
