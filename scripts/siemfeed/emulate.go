package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

type emulateCmd struct {
	textOnly

	Anypoint emulateAnypoint `cmd:"" help:"MuleSoft Anypoint: tokens, hierarchy, audit log query."`
	Cfqueue  emulateCfqueue  `cmd:"" help:"Cloudflare Queues: pull, acknowledge, retry, dead letters."`
	SLS      emulateSLS      `cmd:"" help:"Alibaba Cloud Log Service: shards, pulls, consumer groups."`
	HEC      emulateHEC      `cmd:"" help:"Splunk HTTP Event Collector: tokens, refusals, acknowledgement."`
	OSS      emulateOSS      `cmd:"" help:"Alibaba Cloud OSS: objects, multipart uploads, create-only writes, versioning."`
	Alibaba  emulateAlibaba  `cmd:"" help:"Alibaba Cloud accounts: STS roles, tags of ECS, SLB and everything else."`
}

// listenFlags are what every emulator takes.
type listenFlags struct {
	Port    int           `help:"Port on 127.0.0.1; 0 picks a free one." default:"0"`
	Latency time.Duration `help:"Wait before each answer." default:"0"`
	Fault   string        `help:"Faults by probability, such as 500=0.05,reset-mid=0.02,429=0.01." placeholder:"KIND=P,…"`
	Seed    uint64        `help:"Seed of the faults and of generated data." default:"1"`
}

// inject arms the injector as the flags say.
func (l *listenFlags) inject(i *fault.Injector) error {
	rates, err := fault.ParseRates(l.Fault)
	if err != nil {
		return err
	}
	i.Random(l.Seed, rates)
	return nil
}

// serve serves h on loopback until ctx ends. ready hears of the base URL.
func (l *listenFlags) serve(ctx context.Context, h http.Handler, ready func(url string)) error {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", l.Port))
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: l.late(h), ReadHeaderTimeout: 10 * time.Second}
	ready("http://" + ln.Addr().String())
	defer context.AfterFunc(ctx, func() { _ = srv.Close() })()
	if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// late has h answer after the latency.
func (l *listenFlags) late(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if retry.Sleep(r.Context(), l.Latency) == nil { // else nobody waits any more
			h.ServeHTTP(w, r)
		}
	})
}

type emulateAnypoint struct {
	listenFlags
	Org    []string      `help:"Organisation ids." default:"demo-org"`
	Events int           `help:"Events in each organisation's log." default:"20000"`
	Span   time.Duration `help:"How far back they go." default:"24h"`
	Rate   int           `help:"Requests a minute; 0 means no limit." default:"700"`
}

// Run implements the command.
func (e *emulateAnypoint) Run(ctx context.Context) error {
	s := emulator.New(emulator.Options{RatePerMinute: e.Rate, Gzip: true})
	if err := e.inject(s.Faults); err != nil {
		return err
	}
	now := time.Now().UTC()
	for n, org := range e.Org {
		s.AddSynthetic(org, emulator.Synthetic{Seed: e.Seed + uint64(n), N: e.Events, From: now.Add(-e.Span), To: now})
	}
	return e.serve(ctx, s, func(url string) {
		fmt.Fprintf(os.Stderr, "MULE_BASE_URL=%s CLIENT_ID=client CLIENT_SECRET=secret MULE_ORG_ID=%s\n", url, join(e.Org))
	})
}
