package e2e

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
)

// TestKills kills the function's real process in the middle of its runs, and
// then lets it finish.
func TestKills(t *testing.T) {
	const kills = 15
	w := newWorld(t, emulator.Options{Latency: 3 * time.Millisecond}, map[string]string{"LOG_LEVEL": "error"})
	events := w.day(5, 10_000)
	hour := time.Now().Truncate(time.Hour).Add(-5 * time.Hour)
	dense := emulator.Generate("org-1", emulator.Generated{Seed: 55, N: 30_000, From: hour, To: hour.Add(time.Hour)})
	if err := w.api.Add("org-1", dense...); err != nil {
		t.Fatal(err)
	}
	events = append(events, dense...)
	binary := build(t)
	rng := rand.New(rand.NewPCG(5, 5))
	cut := 0
	for range kills {
		p := w.start(binary)
		done := make(chan int, 1)
		go func() { done <- p.trigger() }()
		select {
		case <-time.After(time.Duration(20+rng.IntN(400)) * time.Millisecond):
			cut++
		case <-done:
			done <- 0
		}
		p.kill()
		<-done
	}
	p := w.start(binary)
	defer p.kill()
	if status := p.trigger(); status != http.StatusOK {
		t.Fatalf("the last run answered %d\n%s", status, p.log.String())
	}
	w.wantExactly(events)
	w.wantTidy()
	if cut < kills/2 {
		t.Errorf("only %d of %d kills hit a run", cut, kills)
	}
}

// build makes the binary as it is deployed, with the product's own go.mod.
func build(t *testing.T) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "muleaudit")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-tags", "disable_grpc_modules", "-o", out, "./functions/muleaudit/cmd/muleaudit")
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, msg)
	}
	return out
}

type process struct {
	cmd *exec.Cmd
	url string
	log *bytes.Buffer
}

// start runs the binary until it serves.
func (w *world) start(binary string) *process {
	w.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	_ = l.Close()
	p := &process{exec.Command(binary), "http://127.0.0.1:" + port + "/", new(bytes.Buffer)}
	p.cmd.Env = append(os.Environ(), "PORT="+port)
	for k, v := range w.env {
		p.cmd.Env = append(p.cmd.Env, k+"="+v)
	}
	p.cmd.Stderr = p.log
	if err := p.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		c, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			_ = c.Close()
			return p
		}
		if time.Now().After(deadline) {
			p.kill()
			w.t.Fatalf("it does not serve: %v\n%s", err, p.log)
		}
	}
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// trigger posts a tick and returns the answer's status, 0 for none.
func (p *process) trigger() int {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, p.url, strings.NewReader("{}"))
	if err != nil {
		return 0
	}
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	return res.StatusCode
}
