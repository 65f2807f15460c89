package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// store is a kind of bucket to measure on.
type store struct {
	name string
	dirs []string // where the objects of the buckets that are written lie
	// put brings what was generated into the world's directory to the source.
	put   func(ctx context.Context, key string) error
	close func()
}

// clear empties what was written, so that every round begins alike.
func (s *store) clear() error {
	var errs []error
	for _, dir := range s.dirs {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
		for _, e := range entries {
			errs = append(errs, os.RemoveAll(filepath.Join(dir, e.Name())))
		}
	}
	return errors.Join(errs...)
}

func fileStore(_ context.Context, w *gunzipWorld) (*store, error) {
	s := &store{name: "file", dirs: []string{filepath.Join(w.dir, "dest"), filepath.Join(w.dir, "state")}}
	s.put, s.close = func(context.Context, string) error { return nil }, func() {}
	for _, dir := range s.dirs {
		if err := os.Mkdir(dir, 0o750); err != nil {
			return nil, err
		}
	}
	w.env["BENCH_DEST"] = w.env["DEST_URL"]
	return s, nil
}

// s3Store runs versitygw, a real S3 server, in a process of its own.
func s3Store(ctx context.Context, w *gunzipWorld) (*store, error) {
	const region = "us-east-1"
	program := filepath.Join(w.dir, "serve")
	build := exec.CommandContext(ctx, "go", "build", "-C", "scripts/e2e", "-o", program, "./versity/serve")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if msg, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, msg)
	}
	w.env["AWS_ACCESS_KEY_ID"], w.env["AWS_SECRET_ACCESS_KEY"], w.env["AWS_REGION"] = "bench-key-id", "bench-secret-of-no-worth", region
	w.env["AWS_EC2_METADATA_DISABLED"] = "true"
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		return nil, err
	}
	served := filepath.Join(w.dir, "served")
	if err := os.Mkdir(served, 0o750); err != nil {
		return nil, err
	}
	server := exec.CommandContext(ctx, program, served, address)
	for k, v := range w.env {
		server.Env = append(server.Env, k+"="+v)
	}
	if err := server.Start(); err != nil {
		return nil, err
	}
	s := &store{name: "S3", close: func() { _ = server.Process.Kill(); _ = server.Wait() }}
	s.put = func(ctx context.Context, key string) error {
		u, err := url.Parse(w.env["SOURCE_URL"])
		if err != nil {
			return err
		}
		f, err := os.Open(filepath.Join(w.source, key))
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		return upload(ctx, u, key, f, w.env["AWS_ACCESS_KEY_ID"], w.env["AWS_SECRET_ACCESS_KEY"])
	}
	if err := answers(ctx, "http://"+address); err != nil {
		s.close()
		return nil, err
	}
	urls := map[string]string{"bench": "SOURCE_URL", "dest": "DEST_URL", "state": "STATE_URL"}
	for name, variable := range urls { // a bucket is a folder
		dir := filepath.Join(served, "objects", name)
		if err := os.Mkdir(dir, 0o750); err != nil {
			s.close()
			return nil, err
		}
		if variable != "SOURCE_URL" {
			s.dirs = append(s.dirs, dir, filepath.Join(served, "metadata", name))
		}
		w.env[variable] = "s3://" + name + "?region=" + region + "&endpoint=http://" + address
	}
	w.env["BENCH_DEST"] = w.env["DEST_URL"]
	return s, nil
}

func answers(ctx context.Context, address string) error {
	for range 200 {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			return res.Body.Close()
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("%s does not answer", address)
}
