package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// Answerer is a receipt that also answers for each message of a batch, or nil
// if it does not. One that embeds a *[trigger.Answer] is one.
type Answerer interface{ PerMessage() *trigger.Answer }

// onLambda tells whether this process was started by AWS Lambda.
func onLambda() bool { return os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" }

// invoked answers Lambda's Runtime API. It returns only what kept it from
// starting: the loop ends with the process.
func invoked(ctx context.Context, name string, build New, log NewLogger) error {
	s, err := assemble(ctx, name, build, log)
	if err != nil {
		return err
	}
	lambda.StartWithOptions(&invoker{s.handler}, lambda.WithEnableSIGTERM(func() {
		// ctx, which ends with the same signal, has told the runs to stop.
		<-ctx.Done()
		if err := s.stop(); err != nil {
			fatal(name, err)
		}
		os.Exit(0)
	}))
	return nil
}

// invoker is a [Handler] for Lambda.
type invoker struct{ h *Handler }

// Invoke implements [lambda.Handler]. An error makes the trigger deliver
// again, all of a batch; a batch that is answered by message is no error.
func (i *invoker) Invoke(ctx context.Context, payload []byte) (out []byte, err error) {
	if !i.h.begin() {
		return nil, errStopping
	}
	defer i.h.runs.Done()
	failed := i.h.attend(ctx, func(ctx context.Context) { out, err = i.run(ctx, payload) })
	return out, errors.Join(err, failed)
}

func (i *invoker) run(ctx context.Context, payload []byte) ([]byte, error) {
	ev, err := trigger.FromBytes(payload)
	if err != nil {
		i.h.rt.Log.WarnContext(ctx, "event refused", "error", err.Error())
		return nil, err
	}
	if ev.Kind == trigger.Verify {
		v, _, err := Verify(ctx, i.h.fn, ev, i.h.rt)
		if err != nil {
			return nil, err
		}
		return json.Marshal(v)
	}
	rec, status, err := Execute(ctx, i.h.fn, ev, i.h.rt)
	switch {
	case rec == nil:
		return nil, err
	case ev.PerMessage:
		return answerMessages(rec, err)
	case status == http.StatusOK:
		return json.Marshal(rec)
	case err == nil:
		core := rec.Base()
		return nil, fmt.Errorf("run %s is %s, deliver again: %v", core.Run, core.Status, core.Remaining)
	}
	return nil, err
}

// answerMessages returns the partial batch response, which has to be enabled
// for the queue (FunctionResponseTypes: ReportBatchItemFailures).
func answerMessages(rec receipt.Receipt, err error) ([]byte, error) {
	var given *trigger.Answer
	if a, ok := rec.(Answerer); ok {
		given = a.PerMessage()
	}
	if given == nil {
		return nil, errors.Join(fmt.Errorf("run %s did not answer for each message", rec.Base().Run), err)
	}
	// Lambda takes null for a failure to answer, and knows no delays.
	answer := trigger.Answer{BatchItemFailures: make([]trigger.Failure, 0, len(given.BatchItemFailures))}
	for _, f := range given.BatchItemFailures {
		answer.BatchItemFailures = append(answer.BatchItemFailures, trigger.Failure{ItemIdentifier: f.ItemIdentifier})
	}
	return json.Marshal(answer)
}
