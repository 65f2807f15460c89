package serve_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/emulator/lambda"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/serve"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// TestMain doubles as the process of a function.
func TestMain(m *testing.M) {
	if os.Getenv("SERVE_AS_FUNCTION") != "" {
		serve.Main("probe", newProbe)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// probe does what the events of a test ask for.
type probe struct{}

func newProbe(_ context.Context, env envconfig.Lookuper, _ serve.Runtime) (serve.Function, error) {
	if v, ok := env.Lookup("PROBE_FAULT"); ok {
		return nil, errors.New(v)
	}
	return probe{}, nil
}

// Proof implements [serve.Verifier].
func (probe) Proof() serve.Proof {
	state, err := bucket.Open(context.Background(), "mem://")
	if err != nil {
		panic(err)
	}
	return serve.Proof{Function: "probe", State: state, Budget: time.Minute, Check: func(_ context.Context, _, _ time.Time, v *receipt.Verified) error {
		v.Checked = 1
		return nil
	}}
}

type probeReceipt struct {
	receipt.Core
	*trigger.Answer
}

func (probe) Run(ctx context.Context, ev trigger.Event) (receipt.Receipt, error) {
	r := &probeReceipt{Core: receipt.Start("probe")}
	switch {
	case ev.Kind == trigger.PubSub && string(ev.Data) == `{"want":"partial"}`:
		r.Redeliver, r.Remaining = true, []string{"the rest"}
		r.Finish(receipt.Outcome{Status: receipt.Partial})
		return r, nil
	case ev.Kind == trigger.PubSub:
		return nil, &trigger.Error{Reason: "not of this function", Status: 400}
	case ev.Kind == trigger.Objects:
		return r, r.objects(ctx, ev)
	}
	r.Finish(receipt.Outcome{Status: receipt.OK})
	return r, nil
}

func (r *probeReceipt) objects(ctx context.Context, ev trigger.Event) (err error) {
	if ev.PerMessage {
		r.Answer = &trigger.Answer{}
	}
	for _, n := range ev.Notices {
		switch n.Key {
		case "panics":
			panic("as asked")
		case "unanswered":
			r.Answer = nil
		case "slow":
			fmt.Fprintln(os.Stderr, "waiting")
			<-ctx.Done()
			err = ctx.Err()
		case "fails":
			err = errors.New("a transient failure")
		default:
			continue
		}
		if r.Answer != nil {
			r.BatchItemFailures = append(r.BatchItemFailures, trigger.Failure{ItemIdentifier: n.MessageID, DelaySeconds: 60})
		}
	}
	end := receipt.Outcome{Status: receipt.OK}
	if err != nil {
		end = receipt.Outcome{Status: receipt.Failed, Err: err}
	}
	r.Finish(end)
	return err
}

func (probe) Close() error {
	fmt.Fprintln(os.Stderr, "closed")
	return nil
}

// process starts the function under the Runtime API.
func process(t *testing.T, api *lambda.Server, env ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "SERVE_AS_FUNCTION=1", "AWS_LAMBDA_RUNTIME_API="+api.Address())
	cmd.Env = append(cmd.Env, env...)
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, &log
}

func s3Notice(key string) string {
	return `{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":"` + key + `","size":1}}}]}`
}

func sqs(keys ...string) []byte {
	type record struct {
		MessageID   string `json:"messageId"`
		Body        string `json:"body"`
		EventSource string `json:"eventSource"`
	}
	var batch struct{ Records []record }
	for i, key := range keys {
		batch.Records = append(batch.Records, record{fmt.Sprint("m", i), s3Notice(key), "aws:sqs"})
	}
	data, _ := json.Marshal(batch)
	return data
}

func TestLambda(t *testing.T) {
	api := lambda.Start(lambda.Options{Timeout: 20 * time.Second})
	defer api.Close()
	cmd, log := process(t, api)
	for _, tc := range []struct {
		name    string
		payload []byte
		failed  bool
		want    string // the whole answer, or a part of it
	}{
		{"a tick", []byte(`{}`), false, `"status":"ok"`},
		{"one object", []byte(s3Notice("fine")), false, `"function":"probe"`},
		{"one object that fails", []byte(s3Notice("fails")), true, "a transient failure"},
		{"a batch", sqs("fine", "fine"), false, `{"batchItemFailures":[]}`},
		{"a batch with failures", sqs("fine", "fails", "fine", "fails"), false,
			`{"batchItemFailures":[{"itemIdentifier":"m1"},{"itemIdentifier":"m3"}]}`},
		{"a batch not answered by message", sqs("unanswered"), true, "did not answer for each message"},
		{"a panic", sqs("panics"), true, "internal error"},
		{"after a panic", []byte(`{}`), false, `"status":"ok"`},
		{"no trigger's event", []byte(`{"hello":1}`), true, "no trigger sends"},
		{"another function's event", []byte(`{"message":{"data":"e30="},"subscription":"s"}`), true, "not of this function"},
		{"a verification", []byte(`{"verify":{}}`), false, `"function":"probe","verify":{`},
		{"a verification misspelt", []byte(`{"verify":{"since":1}}`), true, "since"},
		{"left for a redelivery", []byte(`{"message":{"data":"eyJ3YW50IjoicGFydGlhbCJ9"},"subscription":"s"}`), true, "the rest"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := api.Invoke(t.Context(), tc.payload)
			if err != nil {
				t.Fatalf("%v; the log: %s", err, log)
			}
			whole := strings.HasPrefix(tc.want, "{") // else a part
			if got.Failed != tc.failed || !strings.Contains(string(got.Payload), tc.want) || (whole && string(got.Payload) != tc.want) {
				t.Errorf("failed=%v, %s; want failed=%v, %s", got.Failed, got.Payload, tc.failed, tc.want)
			}
		})
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || !strings.Contains(log.String(), "closed") {
		t.Errorf("SIGTERM: %v; the log: %s", err, log)
	}
	for line := range strings.Lines(log.String()) {
		if line != "closed\n" && line != "waiting\n" && !json.Valid([]byte(line)) {
			t.Errorf("a log line is no JSON: %s", line)
		}
	}
}

// A run ends while Lambda still listens, and its batch is answered: a tenth of
// the time is left for that.
func TestLambdaDeadline(t *testing.T) {
	t.Parallel()
	api := lambda.Start(lambda.Options{Timeout: 10 * time.Second})
	defer api.Close()
	cmd, log := process(t, api)
	got, err := api.Invoke(t.Context(), sqs("fine", "slow"))
	if want := `{"batchItemFailures":[{"itemIdentifier":"m1"}]}`; err != nil || got.Failed || string(got.Payload) != want {
		t.Errorf("%+v, %v; the log: %s", got, err, log)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

func TestLambdaThatCannotBeBuilt(t *testing.T) {
	api := lambda.Start(lambda.Options{})
	defer api.Close()
	cmd, log := process(t, api, "PROBE_FAULT=set SOME_URL")
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(log.String(), "set SOME_URL") {
		t.Errorf("%v; the log: %s", err, log)
	}
}
