package bucket_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"gocloud.dev/blob"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

func open(t *testing.T, url string) *bucket.Bucket {
	t.Helper()
	b, err := bucket.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// TestMain doubles as the other process of TestCreateAcrossProcesses and of
// TestSeriesAcrossProcesses.
func TestMain(m *testing.M) {
	if url := os.Getenv("APPEND_IN"); url != "" {
		appendAsProcess(url, os.Getenv("APPEND_AS"))
		os.Exit(0)
	}
	if url := os.Getenv("CREATE_IN"); url != "" {
		b, err := bucket.Open(context.Background(), url)
		if err != nil {
			panic(err)
		}
		won := 0
		for i := range 200 {
			_, err := b.Create(context.Background(), fmt.Sprint("k", i), strings.NewReader(os.Getenv("CREATE_AS")), blob.WriterOptions{})
			switch {
			case err == nil:
				won++
			case !errors.Is(err, bucket.ErrExists):
				panic(err)
			}
		}
		fmt.Print(won)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestCreateIsExclusive(t *testing.T) {
	for _, url := range []string{"mem://", "file://" + t.TempDir()} {
		b := open(t, url)
		for i := range 20 {
			key, won := fmt.Sprint("a/", i), atomic.Int32{}
			var wg sync.WaitGroup
			for n := range 8 {
				wg.Go(func() {
					_, err := b.Create(t.Context(), key, strings.NewReader(fmt.Sprint(n)), blob.WriterOptions{})
					if err == nil {
						won.Add(1)
					} else if !errors.Is(err, bucket.ErrExists) {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if won.Load() != 1 {
				t.Fatalf("%s: %d creators of %s succeeded", url, won.Load(), key)
			}
		}
	}
}

func TestCreateAcrossProcesses(t *testing.T) {
	url := "file://" + t.TempDir()
	total := 0
	var mu sync.Mutex
	var wg sync.WaitGroup
	for n := range 3 {
		wg.Go(func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), "CREATE_IN="+url, fmt.Sprint("CREATE_AS=", n))
			out, err := cmd.Output()
			var won int
			if _, scanErr := fmt.Sscan(string(out), &won); err != nil || scanErr != nil {
				t.Errorf("%s: %v", out, err)
			}
			mu.Lock()
			total += won
			mu.Unlock()
		})
	}
	wg.Wait()
	if total != 200 {
		t.Errorf("200 keys were created %d times", total)
	}
}

func TestWriteThatFailsLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	for _, url := range []string{"mem://", "file://" + dir} {
		b := open(t, url)
		r := io.MultiReader(strings.NewReader("half"), badReader{})
		if _, err := b.Create(t.Context(), "k", r, blob.WriterOptions{}); !errors.Is(err, errBad) {
			t.Fatal(err)
		}
		keys, err := b.Keys(t.Context(), "")
		if err != nil || len(keys) != 0 {
			t.Errorf("%s: left %v, %v", url, keys, err)
		}
	}
}

var errBad = errors.New("bad reader")

type badReader struct{}

func (badReader) Read([]byte) (int, error) { return 0, errBad }

func TestCreateJSONKnowsItsOwn(t *testing.T) {
	b := open(t, "mem://")
	type claim struct{ By string }
	for _, tc := range []struct {
		by string
		ok bool
	}{{"a", true}, {"a", true}, {"b", false}} {
		if err := b.CreateJSON(t.Context(), "claim", claim{tc.by}); (err == nil) != tc.ok {
			t.Errorf("%s: %v", tc.by, err)
		}
	}
	var got claim
	if err := b.ReadJSON(t.Context(), "claim", &got); err != nil || got.By != "a" {
		t.Error(got, err)
	}
	if err := b.ReadJSON(t.Context(), "other", &got); !bucket.IsNotFound(err) {
		t.Error(err)
	}
	if err := b.Remove(t.Context(), "claim"); err != nil {
		t.Error(err)
	}
	if err := b.Remove(t.Context(), "claim"); err != nil {
		t.Error(err)
	}
}

func TestCheck(t *testing.T) {
	for _, ok := range []string{"name", "gs://b", "gs://b?prefix=p/", "s3://b?region=eu-west-1", "file:///dir", "mem://"} {
		if err := bucket.Check(ok); err != nil {
			t.Errorf("%s: %v", ok, err)
		}
	}
	for _, bad := range []string{"", "gs://", "gs://b/folder", "https://b", "file://", "s3:///x"} {
		if err := bucket.Check(bad); err == nil {
			t.Errorf("%q accepted", bad)
		}
	}
}

func TestInside(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		inner, outer string
		want         bool
	}{
		{"gs://a", "gs://a", true},
		{"a", "gs://a", true},
		{"gs://a?prefix=state/", "gs://a", true},
		{"gs://a?prefix=state/", "gs://a?prefix=out/", false},
		{"gs://a?prefix=out/state/", "gs://a?prefix=out/", true},
		{"gs://a", "gs://a?prefix=out/", false},
		{"gs://a", "gs://b", false},
		{"s3://a", "gs://a", false},
		{"file://" + dir, "file://" + dir + "/", true},
		{"file://" + dir + "/state", "file://" + dir, true},
		{"file://" + link + "/state", "file://" + dir, true},
		{"file://" + dir + "2", "file://" + dir, false},
		{"file://" + dir, "file://" + dir + "/out", false},
		{"mem://", "mem://", false},
	} {
		if got, err := bucket.Inside(tc.inner, tc.outer); got != tc.want || err != nil {
			t.Errorf("Inside(%s, %s) = %v, %v", tc.inner, tc.outer, got, err)
		}
	}
}

func TestSub(t *testing.T) {
	dir := t.TempDir()
	url, err := bucket.Sub("file://"+dir+"?prefix=a/", "quarantine")
	if err != nil {
		t.Fatal(err)
	}
	b := open(t, url)
	if err := b.PutJSON(t.Context(), "x.json", 1); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "a", "quarantine", "x.json")); err != nil {
		t.Error(err)
	}
}

func TestSubKeepsTheKindOfBucket(t *testing.T) {
	for in, want := range map[string]string{
		"mem://":                      "mem://?prefix=q%2F",
		"mem://?prefix=a/":            "mem://?prefix=a%2Fq%2F",
		"name":                        "gs://name?prefix=q%2F",
		"s3://b?region=eu-west-1":     "s3://b?prefix=q%2F&region=eu-west-1",
		"file:///dir?create_dir=true": "file:///dir?create_dir=true&prefix=q%2F",
	} {
		got, err := bucket.Sub(in, "q")
		if err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", in, got, err, want)
		}
		if in, err := bucket.Sub(got, "r"); err != nil || !strings.HasPrefix(in, want[:4]) {
			t.Errorf("below %s: %s, %v", got, in, err)
		}
	}
	if b := open(t, "mem://"); b.URL != "mem://" {
		t.Errorf("opened as %s", b.URL)
	}
}

func TestOpenFileThatIsNotThere(t *testing.T) {
	_, err := bucket.Open(t.Context(), "file:///nowhere/at/all")
	if err == nil || !strings.Contains(err.Error(), "create_dir=true") {
		t.Error(err)
	}
}

// A kill between fileblob's two files must never leave an object under the
// attributes of another.
func TestReplacingNeverMixesDataAndAttributes(t *testing.T) {
	dir := t.TempDir()
	b := open(t, "file://"+dir)
	put := func(text string) error {
		_, err := b.Put(t.Context(), "k", strings.NewReader(text), blob.WriterOptions{Metadata: map[string]string{"is": text}})
		return err
	}
	if err := put("old"); err != nil {
		t.Fatal(err)
	}
	// The half-way state, as a kill leaves it: attributes torn, data not renamed.
	if err := os.Remove(filepath.Join(dir, "k")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "k.attrs"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := b.ReadAll(t.Context(), "k"); !bucket.IsNotFound(err) {
		t.Errorf("half-way: %v", err)
	}
	if err := put("new"); err != nil {
		t.Fatal(err)
	}
	a, err := b.Attributes(t.Context(), "k")
	if err != nil || a.Metadata["is"] != "new" {
		t.Errorf("%+v, %v", a, err)
	}
}
