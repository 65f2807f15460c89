package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/pkg/config"
	"github.com/siemfeed/siemfeed/pkg/proxy"
	"github.com/siemfeed/siemfeed/pkg/telemetry"
)

// grace is how long runs may take to stop after SIGTERM; Cloud Run kills an
// instance after 10 s.
const grace = 8 * time.Second

// settings are the variables of the server itself.
type settings struct {
	Port     string        `env:"PORT, default=8080" help:"HTTP port; on Function Compute the one it names"`
	LogLevel string        `env:"LOG_LEVEL, default=info" help:"debug, info, warn or error"`
	Project  string        `env:"GOOGLE_CLOUD_PROJECT" help:"project that traces in log records belong to"`
	Token    config.Secret `env:"FUNCTION_TOKEN" help:"if set, a POST has to bear it: Authorization: Bearer <token>"`
}

// Main serves the function called name until SIGTERM or SIGINT, or until nobody
// reads what it logs, and then ends the process: with status 0 after an orderly
// stop on a signal, else with 1. It serves Lambda where AWS_LAMBDA_RUNTIME_API is
// set, and else HTTP.
func Main(name string, build New) {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	run := listen
	if onLambda() {
		run = invoked
	}
	ctx, watched := UntilUnread(ctx)
	err := run(ctx, name, build, func(level, project string) (*slog.Logger, error) {
		return telemetry.NewLogger(watched(os.Stderr), level, project)
	})
	cancel()
	if err := errors.Join(err, Unread(ctx)); err != nil {
		fatal(name, err)
	}
}

// Register makes the function called name known to functions-framework-go, for
// a program that a buildpack generates around a source package. It ends the
// process when the configuration is wrong.
func Register(name string, build New) {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	s, err := assemble(ctx, name, build, OnStderr)
	if err != nil {
		fatal(name, err)
	}
	functions.HTTP(name, s.guarded.ServeHTTP)
	s.broken = s.handler.background()
	go func() { // lives as long as the process, which it ends
		select {
		case err := <-s.broken:
			fatal(name, err)
		case <-ctx.Done():
		}
		cancel()
		if err := s.stop(); err != nil {
			fatal(name, err)
		}
		os.Exit(0)
	}()
}

func listen(ctx context.Context, name string, build New, log NewLogger) error {
	at, err := port()
	if err != nil {
		return err
	}
	s, err := assemble(ctx, name, build, log)
	if err != nil {
		return err
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", net.JoinHostPort("", at))
	if err != nil {
		return errors.Join(fmt.Errorf("serve on PORT %s: %w", at, err), s.close())
	}
	s.broken = s.handler.background()
	return ordinary.serveUntil(ctx, ln, s)
}

// server is a function with all that serves it.
type server struct {
	handler *Handler
	guarded http.Handler // asks for the token first
	log     *slog.Logger
	close   func() error
	broken  <-chan error // see [Handler.background]; nil where nothing runs there
}

// stop waits for the runs under way, which have been told to end, and closes
// what they used.
func (s *server) stop() error {
	idle := make(chan struct{})
	go func() { s.handler.Wait(); close(idle) }()
	select {
	case <-idle:
		select {
		case err := <-s.broken: // it did not end well
			return errors.Join(err, s.close())
		default:
			return s.close()
		}
	case <-time.After(grace):
		return fmt.Errorf("runs did not stop within %v of SIGTERM", grace)
	}
}

// assemble builds a function with its logger, its metrics and its handler.
func assemble(ctx context.Context, name string, build New, log NewLogger) (*server, error) {
	if err := proxy.KeepDirect(); err != nil {
		return nil, err
	}
	env := envconfig.OsLookuper()
	var set settings
	if err := config.Load(ctx, env, &set); err != nil {
		return nil, err
	}
	rt, err := set.runtime(ctx, name, log)
	if err != nil {
		return nil, err
	}
	slog.SetDefault(rt.Log) // libraries write to package log
	fn, err := build(ctx, env, rt)
	if err != nil {
		return nil, err
	}
	h := NewHandler(ctx, fn, rt)
	return &server{handler: h, guarded: forFunctionCompute(requireToken(set.Token, h)), log: rt.Log, close: func() error {
		rt.Close(ctx)
		return fn.Close()
	}}, nil
}

// NewLogger makes the logger of a process, for LOG_LEVEL and the project that
// traces belong to.
type NewLogger func(level, project string) (*slog.Logger, error)

// OnStderr is what a function logs by where it is deployed.
func OnStderr(level, project string) (*slog.Logger, error) {
	return telemetry.NewLogger(os.Stderr, level, project)
}

// NewRuntime builds what the function called name is given besides its
// configuration: the logger, and the metrics, as env asks for them.
func NewRuntime(ctx context.Context, env envconfig.Lookuper, name string, logger NewLogger) (Runtime, error) {
	var set settings
	if err := config.Load(ctx, env, &set); err != nil {
		return Runtime{}, err
	}
	return set.runtime(ctx, name, logger)
}

func (s settings) runtime(ctx context.Context, name string, logger NewLogger) (Runtime, error) {
	log, err := logger(s.LogLevel, s.Project)
	if err != nil {
		return Runtime{}, config.Faults{{Var: "LOG_LEVEL", Problem: err.Error()}}
	}
	return WithLog(ctx, name, log), nil
}

// WithLog is [NewRuntime] with a logger that the caller brings.
func WithLog(ctx context.Context, name string, log *slog.Logger) Runtime {
	return Runtime{log, telemetry.NewMetrics(ctx, name, log)}
}

// port is where to listen. Function Compute sets no PORT, and connects to the
// port that the function is configured with, 9000 unless that is changed; it
// tells it in FC_CUSTOM_LISTEN_PORT, once in FC_SERVER_PORT
// (alibabacloud.com/help/en/functioncompute, "Configure environment variables").
//
// Anything but a number is refused: a name would be looked up among those of
// services, and Kubernetes sets a variable to tcp://<address>:<port> that a
// service in the same namespace gives the name of another.
func port() (string, error) {
	for _, name := range []string{"PORT", "FC_CUSTOM_LISTEN_PORT", "FC_SERVER_PORT"} {
		value := strings.TrimSpace(os.Getenv(name))
		if value == "" {
			continue
		}
		n, err := strconv.ParseUint(value, 10, 16)
		if err != nil || n == 0 {
			return "", config.Faults{{Var: name, Problem: fmt.Sprintf("want a number from 1 to 65535, not %q", value)}}
		}
		return strconv.FormatUint(n, 10), nil
	}
	return "8080", nil
}

// fatal is the single exit of a process that cannot go on.
func fatal(name string, err error) {
	if log, logErr := telemetry.NewLogger(os.Stderr, "info", ""); logErr == nil {
		log.Error("cannot run", "function", name, "error", err.Error())
	}
	os.Exit(1)
}
