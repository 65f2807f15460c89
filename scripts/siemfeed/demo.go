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
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/progress"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/rollup"
)

type demoCmd struct {
	textOnly

	Keep bool `help:"Keep the files the demo writes, and say where."`
}

// Run shows every function of the bundle, one after the other.
func (d *demoCmd) Run(ctx context.Context, c *cli) error {
	dir, err := os.MkdirTemp("", "siemfeed-demo-")
	if err != nil {
		return err
	}
	if d.Keep {
		defer fmt.Printf("\nfiles: %s\n", dir)
	} else {
		defer func() { _ = os.RemoveAll(dir) }()
	}
	for _, f := range c.functions {
		if err := f.demo(ctx, dir); err != nil {
			return err
		}
	}
	return demoPage(ctx, c, dir)
}

// demoState is the state that the functions share, each in its own folder below
// that of the demo.
func demoState(folder string) string {
	return "file://" + filepath.Dir(folder) + "/state?create_dir=true"
}

// demoPage writes the proof page of what the functions did. It stays.
func demoPage(ctx context.Context, c *cli, dir string) error {
	heading("The proof page")
	state, err := bucket.Open(ctx, demoState(filepath.Join(dir, "all")))
	if err != nil {
		return err
	}
	defer func() { _ = state.Close() }()
	rejected, err := bucket.Open(ctx, "file://"+dir+"/state/quarantine?create_dir=true")
	if err != nil {
		return err
	}
	defer func() { _ = rejected.Close() }()
	s := spanFlags{From: time.Now(), To: time.Now()}
	list, err := s.gather(ctx, c, &stateBuckets{state: state, rejected: rejected}, c.names(), rollup.Options{})
	if err != nil {
		return err
	}
	html, err := page(list)
	if err != nil {
		return err
	}
	path := filepath.Join(os.TempDir(), "siemfeed-demo.html")
	if err := writeFile(path, html); err != nil {
		return err
	}
	say("open %s: what arrived, and what says so", path)
	return nil
}

// heading and say print the demo's story.
func heading(format string, args ...any) {
	if term.IsTerminal(int(os.Stdout.Fd())) {
		format = "\033[1m" + format + "\033[0m"
	}
	fmt.Printf("\n"+format+"\n", args...)
}

func say(format string, args ...any) { fmt.Printf("  "+format+"\n", args...) }

func join(s []string) string { return strings.Join(s, ",") }

// process is a function's real server, running as a process of its own.
type process struct {
	cmd  *exec.Cmd
	url  string
	log  *os.File
	done chan struct{}
}

// startFunction starts the function called name as it is deployed: this
// program again, serving over HTTP, configured by its environment alone.
func startFunction(ctx context.Context, name, dir string, env map[string]string) (*process, error) {
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	log, err := os.OpenFile(filepath.Join(dir, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "serve", name)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + os.TempDir(), fmt.Sprint("PORT=", port)}
	for k, v := range env {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	p := &process{cmd: cmd, url: fmt.Sprintf("http://127.0.0.1:%d", port), log: log, done: make(chan struct{})}
	go func() { _ = cmd.Wait(); close(p.done) }() // its end is what counts, however it came
	for p.healthy(ctx) != nil {
		select {
		case <-p.done:
			text, _ := os.ReadFile(log.Name())
			return nil, fmt.Errorf("%s did not start:\n%s", name, text)
		default:
		}
		if err := retry.Sleep(ctx, 5*time.Millisecond); err != nil {
			return nil, errors.Join(err, p.kill())
		}
	}
	return p, nil
}

func (p *process) healthy(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/healthz", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// trigger posts an event and decodes the receipt that is answered.
func (p *process) trigger(ctx context.Context, event any, into any) error {
	body, err := json.Marshal(event)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("HTTP %d: %s", resp.StatusCode, answer)
	}
	return json.Unmarshal(answer, into)
}

// interrupt triggers the function, and kills it once half tells that it is
// half-way. It triggers it again where a run ends before that, however it does:
// on a slow machine it may lose its lease, which is short here.
func (p *process) interrupt(ctx context.Context, event any, half func() bool) error {
	var last error
	for range 100 {
		answered := make(chan error, 1)
		go func() { answered <- p.trigger(ctx, event, &receipt.Core{}) }()
		for running := true; running; {
			select {
			case <-ctx.Done():
				return errors.Join(ctx.Err(), p.kill())
			case last = <-answered:
				running = false
			case <-time.After(5 * time.Millisecond):
			}
			if half() {
				err := p.kill()
				if running {
					<-answered // with an error, since it was cut off
				}
				return err
			}
		}
		if err := retry.Sleep(ctx, 200*time.Millisecond); err != nil {
			return errors.Join(err, p.kill())
		}
	}
	return errors.Join(errors.New("a hundred runs did not come half-way"), last, p.kill())
}

// prove has the function verify what it did today, up to to, and keep the
// outcome.
func (p *process) prove(ctx context.Context, to time.Time) error {
	today := time.Now().UTC().Truncate(24 * time.Hour)
	if !to.After(today) {
		return nil // just after midnight nothing of today has settled
	}
	var v receipt.Verification
	return p.trigger(ctx, map[string]any{"verify": map[string]time.Time{"from": today, "to": to}}, &v)
}

// kill ends the process as a crash would, and waits until it is gone.
func (p *process) kill() error {
	_ = p.cmd.Process.Kill() // that it is gone already is as good
	<-p.done
	return p.log.Close()
}

func freePort(ctx context.Context) (int, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	addr, ok := ln.Addr().(*net.TCPAddr)
	if !ok {
		return 0, errors.Join(fmt.Errorf("listening on %v", ln.Addr()), ln.Close())
	}
	return addr.Port, ln.Close()
}

// scheduled is what Cloud Scheduler sends through Pub/Sub.
func scheduled() any {
	return map[string]any{
		"subscription": "projects/demo/subscriptions/demo",
		"message":      map[string]any{"data": "e30=", "messageId": "1", "publishTime": time.Now().UTC().Format(time.RFC3339)},
	}
}

// counter counts what is done by how much it is in all.
type counter struct {
	ctx context.Context
	all int64
}

func (c *counter) set(all int64) {
	progress.Add(c.ctx, all-c.all)
	c.all = all
}
