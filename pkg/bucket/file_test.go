package bucket_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	"pgregory.net/rapid"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

// inMounts runs the test again in a mount namespace of its own, in which it may
// mount, and returns true there.
func inMounts(t *testing.T) bool {
	t.Helper()
	if os.Getenv("IN_MOUNTS") != "" {
		return true
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), "IN_MOUNTS=yes")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Skipf("no mount namespace to be had: %v", err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, &out)
	} else if strings.Contains(out.String(), "--- SKIP") {
		t.Skip(out.String())
	}
	return false
}

// Two mounts of one file system have one device number, and no rename goes from
// one to the other: with the whole bucket on another mount than the temporary
// files, and with one folder of it.
func TestAnotherMountOfTheSameFileSystem(t *testing.T) {
	if !inMounts(t) {
		return
	}
	for name, mounted := range map[string]string{"the bucket": "", "a folder": "day"} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			temp, dir, volume := filepath.Join(root, "tmp"), filepath.Join(root, "data"), filepath.Join(root, "volume")
			at := filepath.Join(dir, mounted)
			for _, d := range []string{temp, at, volume} {
				if err := os.MkdirAll(d, 0o700); err != nil {
					t.Fatal(err)
				}
			}
			if err := syscall.Mount(volume, at, "", syscall.MS_BIND, ""); err != nil {
				t.Skip("no bind mount to be had:", err)
			}
			t.Cleanup(func() { _ = syscall.Unmount(at, 0) })
			t.Setenv("TMPDIR", temp)
			b := open(t, "file://"+dir)
			for _, key := range []string{"a", "day/b", "day/new/c"} {
				for _, opts := range []blob.WriterOptions{{IfNotExist: true}, {Metadata: map[string]string{"x": "y"}}, {}} {
					if _, err := b.Put(t.Context(), key, strings.NewReader("text"), opts); err != nil {
						t.Errorf("write %s: %v", key, err)
					}
				}
				if err := b.WriteAll(t.Context(), key, []byte("text"), nil); err != nil {
					t.Errorf("write %s: %v", key, err)
				}
			}
			if got, err := b.Keys(t.Context(), ""); err != nil || !slices.Equal(got, []string{"a", "day/b", "day/new/c"}) {
				t.Errorf("keys %v, %v", got, err)
			}
			if left, err := filepath.Glob(temp + "/*"); err != nil || len(left) > 0 {
				t.Errorf("left among the temporary files: %v, %v", left, err)
			}
		})
	}
}

// What is being written, or was when the process was killed, is no object: in
// the folder of temporary files where a rename gets to the target, else
// beside it.
func TestUnfinishedFilesAreNoObjects(t *testing.T) {
	for _, param := range []string{"", "?no_tmp_dir=true"} {
		dir, temp := t.TempDir(), t.TempDir()
		t.Setenv("TMPDIR", temp)
		b := open(t, "file://"+dir+param)
		u, err := b.Begin(t.Context(), "sub/k", blob.WriterOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(u, strings.Repeat("half", 300)); err != nil {
			t.Fatal(err)
		}
		beside, _ := filepath.Glob(dir + "/sub/*")
		apart, _ := filepath.Glob(temp + "/*")
		if want := param != ""; len(beside) == 1 != want || len(apart) == 1 == want {
			t.Errorf("%q: written to %v and %v", param, beside, apart)
		}
		if keys, err := b.Keys(t.Context(), ""); err != nil || len(keys) != 0 {
			t.Errorf("%q: lists %v, %v", param, keys, err)
		}
		if err := u.Commit(); err != nil {
			t.Fatal(err)
		}
		if keys, err := b.Keys(t.Context(), ""); err != nil || !slices.Equal(keys, []string{"sub/k"}) {
			t.Errorf("%q: lists %v, %v", param, keys, err)
		}
	}
}

// What is written here fileblob reads, whatever the key and what is said of it:
// content and attributes are where it looks for them.
func TestFileblobReadsWhatIsWritten(t *testing.T) {
	dir := t.TempDir()
	plain, err := fileblob.OpenBucket(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = plain.Close() }()
	below := blob.PrefixedBucket(plain, "in/")
	n := 0
	piece := rapid.SampledFrom([]string{"a", "_", "__0x2f__", "__0x", "__", "/", "//", "..", "../", ".", "\x01", "é", "日", " ", "%2F", "-", "__0x+1__", "__0x7fffffffff__"})
	rapid.Check(t, func(rt *rapid.T) {
		// Each folder is new, so that no object lies where another has a folder.
		n++
		key := fmt.Sprint("f", n, "_") + strings.Join(rapid.SliceOfN(piece, 0, 6).Draw(rt, "key"), "")
		opts := blob.WriterOptions{
			CacheControl: "no-store", ContentDisposition: "inline", ContentEncoding: "gzip", ContentLanguage: "ja",
			ContentType: rapid.SampledFrom([]string{"", "text/csv; charset=utf-8"}).Draw(rt, "type"),
			Metadata:    map[string]string{"Key": key},
			IfNotExist:  rapid.Bool().Draw(rt, "create"),
		}
		b := open(t, "file://"+dir+rapid.SampledFrom([]string{"?prefix=in/", "?prefix=in/&no_tmp_dir=true"}).Draw(rt, "parameters"))
		if _, err := b.Put(t.Context(), key, strings.NewReader("text"), opts); retry.IsPermanent(err) {
			rt.Skip(err) // see TestNamesThatNoFileCanHave
		} else if err != nil {
			rt.Fatalf("%q: %v", key, err)
		}
		a, err := below.Attributes(t.Context(), key)
		if err != nil {
			rt.Fatal(err)
		}
		text, err := below.ReadAll(t.Context(), key)
		if err != nil || string(text) != "text" {
			rt.Errorf("%q, %v", text, err)
		}
		want := opts.ContentType
		if want == "" {
			want = "application/octet-stream"
		}
		if a.ContentType != want || a.CacheControl != "no-store" || a.ContentDisposition != "inline" || a.ContentEncoding != "gzip" || a.ContentLanguage != "ja" ||
			len(a.Metadata) != 1 || a.Metadata["key"] != key {
			rt.Errorf("%+v", a)
		}
	})
}

// What a path would make another object's name, or a folder's, is refused; what
// only looks like it is not.
func TestNamesThatNoFileCanHave(t *testing.T) {
	dir := t.TempDir()
	for _, url := range []string{"file://" + dir, "file://" + dir + "?prefix=in/", "file://" + dir + "?no_tmp_dir=true"} {
		b := open(t, url)
		for _, key := range []string{".", "..", "a/.", "a/..", "./a", "a/./b"} {
			for _, opts := range []blob.WriterOptions{{}, {IfNotExist: true}, {Metadata: map[string]string{"x": "y"}}} {
				if _, err := b.Put(t.Context(), key, strings.NewReader("text"), opts); !retry.IsPermanent(err) || errors.Is(err, bucket.ErrExists) {
					t.Errorf("%s: %q was written: %v", url, key, err)
				}
			}
		}
		if keys, err := b.Keys(t.Context(), ""); err != nil || len(keys) > 0 {
			t.Errorf("%s: there are %q, %v", url, keys, err)
		}
		want := []string{"...", ".a", "../", "../a", "a..", "b/../c"}
		for _, key := range want {
			if _, err := b.Put(t.Context(), key, strings.NewReader("text"), blob.WriterOptions{}); err != nil {
				t.Errorf("%s: %q: %v", url, key, err)
			}
		}
		got, err := b.Keys(t.Context(), "")
		slices.Sort(got)
		slices.Sort(want)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: there are %q, want %q; %v", url, got, want, err)
		}
		for _, key := range want {
			if err := b.Remove(t.Context(), key); err != nil {
				t.Errorf("%s: %q: %v", url, key, err)
			}
		}
	}
}

// A create-only write that meets another object leaves that one's attributes
// alone, and one that fails at its end leaves none.
func TestAttributesOfWhatIsNotWritten(t *testing.T) {
	for _, param := range []string{"", "?no_tmp_dir=true"} {
		dir := t.TempDir()
		t.Setenv("TMPDIR", t.TempDir())
		b := open(t, "file://"+dir+param)
		opts := blob.WriterOptions{IfNotExist: true, Metadata: map[string]string{"by": "the first"}}
		if _, err := b.Put(t.Context(), "k", strings.NewReader("text"), opts); err != nil {
			t.Fatal(err)
		}
		opts.Metadata = map[string]string{"by": "the second"}
		if _, err := b.Put(t.Context(), "k", strings.NewReader("other"), opts); !errors.Is(err, bucket.ErrExists) {
			t.Error(err)
		}
		if a, err := b.Attributes(t.Context(), "k"); err != nil || a.Metadata["by"] != "the first" {
			t.Errorf("%+v, %v", a, err)
		}
		opts.ContentMD5 = make([]byte, 16)
		if _, err := b.Put(t.Context(), "l", strings.NewReader("other"), opts); err == nil {
			t.Error("content with another MD5 was written")
		}
		left, err := filepath.Glob(dir + "/*")
		temp, _ := filepath.Glob(os.TempDir() + "/*")
		if err != nil || !slices.Equal(left, []string{dir + "/k", dir + "/k.attrs"}) || len(temp) > 0 {
			t.Errorf("%q: there are %v and %v, %v", param, left, temp, err)
		}
	}
}

func TestDirectoryModes(t *testing.T) {
	dir := t.TempDir()
	b, err := bucket.Open(t.Context(), "file://"+dir+"/new?create_dir=true&dir_file_mode=0700")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	if info, err := os.Stat(dir + "/new"); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}
