package main

import (
	"bytes"
	"context"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/config"
	"github.com/siemfeed/siemfeed/pkg/doctor"
	"github.com/siemfeed/siemfeed/pkg/prune"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/serve"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// TestEveryFunctionIsInTheTable looks for the functions of the bundle, and for
// all that can be done with one.
func TestEveryFunctionIsInTheTable(t *testing.T) {
	dirs, err := os.ReadDir("../../functions")
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, d := range dirs {
		if d.IsDir() {
			want = append(want, d.Name())
		}
	}
	for _, f := range functions() {
		got = append(got, string(f.name))
		v := reflect.ValueOf(f)
		for i := range v.NumField() {
			if v.Field(i).IsZero() {
				t.Errorf("%s has no %s", f.name, v.Type().Field(i).Name)
			}
		}
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("the command knows %q of %q", got, want)
	}
}

// stub is a function that only keeps receipts.
type stub struct{ state *bucket.Bucket }

type stubConfig struct {
	config.Common
	Color string `env:"STUB_COLOR, default=blue" help:"what it is painted in"`
}

func openStub(ctx context.Context, env envconfig.Lookuper, _ serve.Runtime) (*stub, error) {
	var cfg stubConfig
	if err := config.Load(ctx, env, &cfg); err != nil {
		return nil, err
	}
	b, err := bucket.Open(ctx, cfg.StateURL)
	return &stub{b}, err
}

func (s *stub) Run(ctx context.Context, _ trigger.Event) (receipt.Receipt, error) {
	r := receipt.Start("stub")
	r.In, r.Out = 3, 3
	r.Finish(receipt.Outcome{Status: receipt.OK})
	return &r, receipt.Save(ctx, s.state, &r)
}

func (s *stub) Close() error { return s.state.Close() }

func (s *stub) Doctor(ctx context.Context) []doctor.Check {
	return []doctor.Check{doctor.New(time.Minute).State(ctx, "stub's state", doctor.Bucket{Bucket: s.state, Variable: "STATE_URL"}, "stub")}
}

func (s *stub) Prune(ctx context.Context, o prune.Options) (prune.Report, error) {
	task, err := prune.Begin(ctx, s.state, "stub", o)
	if err != nil {
		return prune.Report{}, err
	}
	err = task.Days(ctx, s.state, "stub's receipts", "stub/receipts/")
	return task.Report(), err
}

type verifyStub struct {
	Hard bool `help:"Look twice."`
}

func (v *verifyStub) Run(_ context.Context, c *cli, f *function) error {
	a := newVerifyAnswer(f.name, looks(1))
	if v.Hard {
		a.Find(receipt.Gap, string(f.name), "a hard look")
	}
	return c.show(a)
}

// looks is how often a stub looked.
type looks int

func (l looks) rows() [][]string { return [][]string{{"LOOKS"}, {count(int64(l))}} }

func (looks) notes() []string { return nil }
func (l looks) any() bool     { return l > 0 }

func stubFunction() function {
	return function{
		name: "stub",
		new: func(ctx context.Context, env envconfig.Lookuper, rt serve.Runtime) (serve.Function, error) {
			return serve.Built(openStub(ctx, env, rt))
		},
		variables: config.Variables[stubConfig](),

		run:    command{"Runs the stub.", &runFunction{}},
		verify: command{"Verifies the stub.", &verifyStub{}},
		doctor: command{"Checks the stub.", doctorOf(openStub)},
		prune:  command{"Prunes the stub.", pruneOf(openStub)},
	}
}

// inProcess runs the command and returns what it ended with and printed, on
// standard output and besides.
func inProcess(t *testing.T, functions []function, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = siemfeed(t.Context(), functions, &out, &errs, args)
	return code, out.String(), errs.String()
}

// A line in the table is all that another function takes to be in every command.
func TestAnotherFunction(t *testing.T) {
	t.Setenv("STATE_URL", "file://"+t.TempDir())
	t.Setenv("LOG_LEVEL", "error")
	five := append(functions(), stubFunction())
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"run --help", exitDone, "run stub [flags]\n    Runs the stub."},
		{"verify --help", exitDone, "Verifies the stub."},
		{"doctor --help", exitDone, "Checks the stub."},
		{"prune --help", exitDone, "Prunes the stub."},
		{"serve --help", exitDone, "serve stub"},
		{"verify stub --help", exitDone, "Look twice."},
		{"status -o json stub", exitFindings, `"schema":"siemfeed.status/v1"`},
		{"prune stub -o json --keep 8d", exitDone, `"dry_run":false`},
		{"run stob", exitFailed, `did you mean "stub"?`},
		{"verify stub --hart", exitFailed, `did you mean "--hard"?`},
		{"backfill stub", exitFailed, "unexpected argument stub"}, // for which it has nothing
		{"status nobody", exitFailed, "trailtags, stub"},
		{"env stub", exitDone, "# what it is painted in\n#STUB_COLOR=blue\n"},
		{"status stub", exitFindings, "it has not run: siemfeed doctor stub"},
		{"doctor stub", exitDone, "ok    stub's state"},
		{"run stub", exitDone, "stub ok: in 3 = out 3"},
		{"status", exitFindings, "\n  stub  "},
		{"verify stub", exitDone, "complete"},
		{"verify stub --hard", exitFindings, "GAP          stub: a hard look"},
		{"quarantine ls stub", exitDone, ""},
		{"prune stub --keep 8d --dry-run", exitDone, "stub's receipts"},
		{"report --out " + t.TempDir() + "/proof.html", exitDone, "proof.html"},
	} {
		code, stdout, stderr := inProcess(t, five, strings.Fields(c.args)...)
		if strings.Contains(c.args, "-o json") {
			decodeAnswer(t, stdout)
		}
		if all := stdout + stderr; code != c.code || !strings.Contains(all, c.want) {
			t.Errorf("%s: ended with %d, want %d and %q in\n%s", c.args, code, c.code, c.want, all)
		}
	}
	if code, _, stderr := inProcess(t, functions(), "run", "stub"); code != exitFailed {
		t.Errorf("without the line in the table it ended with %d: %s", code, stderr)
	}
}
