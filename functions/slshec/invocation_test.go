package slshec_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	splunk "github.com/siemfeed/siemfeed/pkg/emulator/hec"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/proctest"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// invocations shows that each invocation of Function Compute is worked on with
// the credentials that it brings, whatever comes at the same time.
func invocations(t *testing.T, bin string) {
	const wrong = "wr0ng-secret"
	w := newWorld(t, emulator.Options{Shards: 1}, splunk.Options{}, map[string]string{"FC_FUNCTION_NAME": "f", "RUN_TIMEOUT": "30s"})
	delete(w.Env, "SLS_AK_ID")
	delete(w.Env, "SLS_AK_KEY")
	w.Fill(emulator.NewGenerator(1), 8, 5)
	first, _ := w.Store.Range(0)
	event := func(i int64) string {
		return fmt.Sprintf(`{"source":{"projectName":"project","logstoreName":"logstore","shardId":0,"beginCursor":%q,"endCursor":%q},"jobName":"j","taskId":"t","cursorTime":1}`,
			sls.FormatCursor(first+i), sls.FormatCursor(first+i+1))
	}
	headers := func(id, key string) map[string]string {
		return map[string]string{"x-fc-request-id": "r", "x-fc-access-key-id": id, "x-fc-access-key-secret": key, "x-fc-security-token": "t0ken-of-the-role"}
	}
	p := proctest.StartOn(t, bin, "FC_CUSTOM_LISTEN_PORT", w.Env)
	var all sync.WaitGroup
	for i := range int64(8) {
		all.Go(func() {
			key, want := secret, http.StatusOK
			if i%2 == 1 {
				key, want = wrong, http.StatusInternalServerError
			}
			status, answer, err := p.Post(t.Context(), event(i), headers("ak", key))
			if err != nil || status != want {
				t.Errorf("%d: %d %s %v", i, status, answer, err)
			}
		})
	}
	all.Wait()
	for i := range int64(8) {
		if got, want := w.hec.Accepted(fmt.Sprintf("0:%d:0", first+i)), int(1-i%2); got != want {
			t.Errorf("group %d: %d times", i, got)
		}
	}
	if status, answer, err := p.Post(t.Context(), event(0), nil); err != nil || status != http.StatusInternalServerError || !strings.Contains(string(answer), "no credentials came with the invocation") {
		t.Errorf("without credentials: %d %s %v", status, answer, err)
	}

	// Those of the environment are for what no invocation asked for.
	w.Env["ALIBABA_CLOUD_ACCESS_KEY_ID"], w.Env["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] = "ak", wrong
	of := proctest.Start(t, bin, w.Env)
	if status, answer, err := of.Post(t.Context(), event(1), headers("ak", secret)); err != nil || status != http.StatusOK {
		t.Errorf("the environment's were taken: %d %s %v", status, answer, err)
	}
	// Elsewhere a header is nobody's word.
	delete(w.Env, "FC_FUNCTION_NAME")
	elsewhere := proctest.Start(t, bin, w.Env)
	if status, answer, err := elsewhere.Post(t.Context(), event(3), headers("ak", secret)); err != nil || status != http.StatusInternalServerError {
		t.Errorf("a stranger's header was believed: %d %s %v", status, answer, err)
	}
	for _, said := range []string{p.Output(), of.Output(), elsewhere.Output()} {
		for _, hidden := range []string{secret, wrong, "t0ken-of-the-role"} {
			if strings.Contains(said, hidden) {
				t.Errorf("%s is in the log:\n%s", hidden, said)
			}
		}
	}
}
