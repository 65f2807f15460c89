package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a child, or a function's real binary.
type process struct {
	cmd    *exec.Cmd
	url    string
	result string
	log    string
}

// usage is what a child took, from its start to its end.
type usage struct {
	childResult
	CPU time.Duration // user and system time
}

// self starts this program as the child "<suite> <role>".
func self(ctx context.Context, dir string, env map[string]string, suite, role string) (*process, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return start(ctx, dir, env, exe, "child", suite, role)
}

// start starts a program with env and nothing but it, in dir.
func start(ctx context.Context, dir string, env map[string]string, program string, args ...string) (*process, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		return nil, err
	}
	p := &process{
		cmd: exec.CommandContext(ctx, program, args...),
		url: "http://" + addr, result: filepath.Join(dir, "result.json"), log: filepath.Join(dir, "log"),
	}
	p.cmd.Dir = dir
	p.cmd.Env = []string{"PORT=" + addr[strings.LastIndexByte(addr, ':')+1:], "BENCH_RESULT=" + p.result, "BENCH_PROFILE=" + os.Getenv("BENCH_PROFILE"), "TMPDIR=" + dir}
	for k, v := range env {
		p.cmd.Env = append(p.cmd.Env, k+"="+v)
	}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	return p, log.Close()
}

// ready waits until the process serves a request.
func (p *process) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		_, status, err := p.do(ctx, http.MethodGet, "/healthz", "")
		if err == nil && status == http.StatusOK {
			return nil
		}
		if ctx.Err() != nil {
			return p.explain(fmt.Errorf("it does not serve: %w", ctx.Err()))
		}
		time.Sleep(500 * time.Microsecond)
	}
}

// trigger posts an event, empty for a tick, and decodes the receipt into r.
func (p *process) trigger(ctx context.Context, event string, r any) error {
	body, status, err := p.do(ctx, http.MethodPost, "/", event)
	if err != nil {
		return p.explain(err)
	}
	if status != http.StatusOK {
		return p.explain(fmt.Errorf("answered %d: %s", status, body))
	}
	return json.Unmarshal(body, r)
}

func (p *process) do(ctx context.Context, method, path, body string) ([]byte, int, error) {
	req, err := http.NewRequestWithContext(ctx, method, p.url+path, strings.NewReader(body))
	if err != nil {
		return nil, 0, err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, 0, err
	}
	answer, err := io.ReadAll(res.Body)
	return answer, res.StatusCode, errors.Join(err, res.Body.Close())
}

// explain adds the end of the process's log to err.
func (p *process) explain(err error) error {
	data, _ := os.ReadFile(p.log)
	return fmt.Errorf("%w\n%s", err, data[max(0, len(data)-2000):])
}

// cpu is the processor time the process has taken so far (proc(5), stat).
func (p *process) cpu() (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	// After the name, which may hold anything, utime and stime are the 12th and
	// 13th field, in hundredths of a second.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	var ticks [2]int64
	for i := range ticks {
		if ticks[i], err = strconv.ParseInt(fields[11+i], 10, 64); err != nil {
			return 0, err
		}
	}
	return time.Duration(ticks[0]+ticks[1]) * 10 * time.Millisecond, nil
}

// stop ends a child in good order; for a floor, which ends by itself, see wait.
func (p *process) stop() (usage, error) {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return usage{}, p.explain(err)
	}
	return p.wait()
}

func (p *process) wait() (u usage, err error) {
	if err := p.cmd.Wait(); err != nil {
		return u, p.explain(err)
	}
	data, err := os.ReadFile(p.result)
	if err == nil {
		err = json.Unmarshal(data, &u.childResult)
	}
	u.CPU = p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
	return u, err
}

// kill ends the process at once; after stop or wait it does nothing.
func (p *process) kill() {
	if p.cmd.ProcessState == nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	}
}
