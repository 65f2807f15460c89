package bucket

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"gocloud.dev/blob/fileblob"
	"gocloud.dev/blob/memblob"
)

// fileParams are what a file:// URL may say: create_dir and no_tmp_dir are
// true or false, dir_file_mode is an octal number, metadata is skip or nothing.
var fileParams = []string{"create_dir", "dir_file_mode", "metadata", "no_tmp_dir"}

// placeFile reads a directory: an absolute one, or after file://./ one below
// the working directory.
func placeFile(a *Address, u *url.URL) error {
	switch u.Host {
	case "":
		a.dir = u.Path
	case ".":
		a.dir = strings.TrimLeft(u.Path, "/")
		if a.dir == "" {
			a.dir = "."
		}
	default:
		return fmt.Errorf("%q after file:// is a host, and a directory is on this machine: write file:///%s%s for an absolute directory, or file://./%s%s for one below the working directory", u.Host, u.Host, u.Path, u.Host, u.Path)
	}
	switch {
	case a.dir == "":
		return errors.New("names no directory: want file:///directory")
	case strings.ContainsFunc(a.dir, func(r rune) bool { return r < ' ' }):
		return errors.New("the directory has a control character in it: remove it")
	}
	return nil
}

func checkFile(a Address) error {
	if err := checkFlags(a, "create_dir", "no_tmp_dir"); err != nil {
		return err
	}
	if _, err := dirMode(a); err != nil {
		return err
	}
	if v := a.Param("metadata"); v != "" && v != string(fileblob.MetadataDontWrite) {
		return errors.New("parameter metadata: want skip, or leave it out")
	}
	return nil
}

func dirMode(a Address) (os.FileMode, error) {
	v := a.Param("dir_file_mode")
	if v == "" {
		return 0o777, nil // the umask decides
	}
	mode, err := strconv.ParseUint(v, 8, 32)
	if err != nil || mode > 0o7777 {
		return 0, errors.New("parameter dir_file_mode: want an octal number such as 0750")
	}
	return os.FileMode(mode), nil
}

// openFile makes a file bucket behave: it is created on request before its
// lock is taken, and objects are written as [directory] says.
func openFile(_ context.Context, b *Bucket, a Address, _ options) error {
	dir := filepath.FromSlash(a.dir)
	mode, err := dirMode(a)
	if err != nil {
		return err
	}
	if create, _ := a.flag("create_dir"); create {
		if err := os.MkdirAll(dir, mode); err != nil {
			return err
		}
	}
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s does not exist: make it, or add ?create_dir=true", dir)
	} else if err != nil {
		return err
	}
	b.dir, err = openDirectory(dir, mode, a)
	if err != nil {
		return err
	}
	b.Bucket, err = fileblob.OpenBucket(dir, b.dir.own())
	return err
}

func placeMem(_ *Address, u *url.URL) error {
	if u.Host != "" || u.Path != "" {
		return errors.New("a bucket in memory has no name: write mem://, or mem://?prefix=folder/")
	}
	return nil
}

func openMem(_ context.Context, b *Bucket, _ Address, _ options) error {
	b.Bucket = memblob.OpenBucket(nil)
	return nil
}
