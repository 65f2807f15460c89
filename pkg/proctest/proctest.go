// Package proctest runs the real binary of a function in a test: built as it
// is deployed, configured by its environment alone, spoken to over HTTP, and
// killed without warning.
package proctest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// builds are those of this test run, by package: linking takes seconds, and one
// binary does for all tests.
var builds sync.Map // of func() (string, error)

// Build compiles the package at path (as go build takes it) and returns the
// binary's path. It lies beside the test's own binary, which go test removes
// with its directory.
func Build(t testing.TB, path string) string {
	t.Helper()
	once, _ := builds.LoadOrStore(path, sync.OnceValues(func() (string, error) { return build(path) }))
	bin, err := once.(func() (string, error))() //nolint:forcetypeassert // there are no others
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

func build(path string) (string, error) {
	test, err := os.Executable()
	if err != nil {
		return "", err
	}
	bin := test + strings.ReplaceAll(path, "/", "_")
	cmd := exec.Command("go", "build", "-tags", "disable_grpc_modules", "-ldflags", "-s -w", "-o", bin, path) //nolint:noctx,gosec // the test names it; go test ends it
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")                                                           // also where the test has cgo, for the race detector
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build %s: %w\n%s", path, err, out)
	}
	return bin, nil
}

// Process is a running function, or a command of the operator's.
type Process struct {
	URL  string // of a function
	cmd  *exec.Cmd
	out  Buffer
	done chan struct{}
}

// Start runs bin with env as its whole environment but for PATH, HOME, TMPDIR
// and PORT, and waits until it answers. It is killed at the end of the test.
func Start(t testing.TB, bin string, env map[string]string) *Process {
	t.Helper()
	return StartOn(t, bin, "PORT", env)
}

// StartOn is Start where the variable that tells the port has another name.
func StartOn(t testing.TB, bin, portVar string, env map[string]string) *Process {
	t.Helper()
	return start(t, bin, portVar, env, nil)
}

// StartLogging is Start of a process whose output goes to log and not to
// [Process.Output].
func StartLogging(t testing.TB, bin string, log *os.File, env map[string]string) *Process {
	t.Helper()
	return start(t, bin, "PORT", env, log)
}

// freeAddress returns one that nobody listens on. Its port is none of those that
// systems give to whoever connects (from 32768 on, or 49152): one of these may be
// taken again before the process has it.
func freeAddress(t testing.TB) string {
	t.Helper()
	var lc net.ListenConfig
	var last error
	for range 100 {
		addr := fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(20_000)) // #nosec G404 -- not a secret
		ln, err := lc.Listen(t.Context(), "tcp", addr)
		if err == nil {
			_ = ln.Close()
			return addr
		}
		last = err
	}
	t.Fatal(last)
	return ""
}

func start(t testing.TB, bin, portVar string, env map[string]string, log *os.File) *Process {
	t.Helper()
	addr := freeAddress(t)
	env = maps.Clone(env)
	env[portVar] = addr[strings.LastIndex(addr, ":")+1:]
	p := launch(t, bin, env, log)
	p.URL = "http://" + addr
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(2 * time.Millisecond) {
		if status, _, err := p.do(t.Context(), http.MethodGet, "/healthz", "", nil); err == nil && status == http.StatusOK {
			return p
		}
		select {
		case <-p.done:
			t.Fatalf("%s ended:\n%s", bin, p.Output())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not answer:\n%s", bin, p.Output())
		}
	}
}

// Launch is Start for a program that takes arguments and need not answer.
func Launch(t testing.TB, bin string, env map[string]string, args ...string) *Process {
	t.Helper()
	return launch(t, bin, env, nil, args...)
}

func launch(t testing.TB, bin string, env map[string]string, log *os.File, args ...string) *Process {
	t.Helper()
	p := &Process{cmd: exec.Command(bin, args...), done: make(chan struct{})} //nolint:noctx,gosec // the test names it, and kills it
	p.cmd.Env = environment(env)
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	if log != nil {
		p.cmd.Stdout, p.cmd.Stderr = log, log
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = p.cmd.Wait(); close(p.done) }()
	t.Cleanup(p.Kill)
	return p
}

// environment is env and what every program needs.
func environment(env map[string]string) []string {
	out := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + os.TempDir()}
	for k, v := range env {
		out = append(out, k+"="+v)
	}
	return out
}

// Post sends an event and returns the answer. The error is that of a
// connection, such as one cut by a kill.
func (p *Process) Post(ctx context.Context, body string, headers map[string]string) (status int, answer []byte, err error) {
	return p.do(ctx, http.MethodPost, "/", body, headers)
}

func (p *Process) do(ctx context.Context, method, path, body string, headers map[string]string) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, p.URL+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	for k, v := range headers {
		req.Header.Set(k, v)
	}
	// No connection outlives its process.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

// Kill ends the process with SIGKILL and waits until it is gone.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// Stop sends the signal and returns how the process ended.
func (p *Process) Stop(sig os.Signal, within time.Duration) error {
	if err := p.cmd.Process.Signal(sig); err != nil {
		return err
	}
	return p.Wait(within)
}

// Wait returns how the process ended by itself.
func (p *Process) Wait(within time.Duration) error {
	select {
	case <-p.done:
		if code := p.cmd.ProcessState.ExitCode(); code != 0 {
			return fmt.Errorf("exit status %d:\n%s", code, p.Output())
		}
		return nil
	case <-time.After(within):
		return fmt.Errorf("still running after %v:\n%s", within, p.Output())
	}
}

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// PID is the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Output is what the process has printed.
func (p *Process) Output() string { return p.out.String() }

// Buffer collects what several goroutines write, such as a log.
type Buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements [io.Writer].
func (l *Buffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String returns all that was written so far.
func (l *Buffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Run runs bin to its end and returns what it printed; the error is that it
// did not end well.
func Run(t testing.TB, bin string, env map[string]string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), bin, args...) //nolint:gosec // the test names it
	cmd.Env = environment(env)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
