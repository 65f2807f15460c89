package e2e

import (
	"math/rand/v2"
	"net/http"
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
	binary := build(t, "./functions/muleaudit/cmd/muleaudit")
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
	// What a killed run staged and no manifest names is kept for two days: the state
	// need not be tidy.
	w.wantExactly(events)
	if cut < kills/2 {
		t.Errorf("only %d of %d kills hit a run", cut, kills)
	}
}
