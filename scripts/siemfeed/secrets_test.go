package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/siemfeed/siemfeed/pkg/proctest"
)

// echo answers with the status, and repeats all that it was sent, as a server
// that helps with debugging does.
func echo(t *testing.T, status int) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		said := fmt.Sprintf("%s %s %v %s", r.Method, r.URL, r.Header, body)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		// In the form of each service, so that it is read as a refusal.
		_, _ = fmt.Fprintf(w, `{"error":"refused","error_description":%[1]q,"errorCode":"Unauthorized","errorMessage":%[1]q,"Code":"Denied","Message":%[1]q,"text":%[1]q,"code":4,"success":false,"errors":[{"code":10000,"message":%[1]q}],"said":%[1]q}`, said)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// hush makes a secret that is told from everything else, with what needs
// escaping in a URL, in JSON and in base64.
func hush(name string) string { return "hush+" + name + `/"7f3a9c41d2` }

// leaks returns the forms of the secret that text holds.
func leaks(text, secret string) (found []string) {
	for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret), strings.ReplaceAll(secret, `"`, `\"`), secret[:12] + secret[12:16]} {
		if strings.Contains(text, form) {
			found = append(found, form)
		}
	}
	for before := range 3 {
		whole := base64.StdEncoding.EncodeToString([]byte("xyz"[:before] + secret))
		if core := whole[4 : len(whole)-4]; strings.Contains(text, core) {
			found = append(found, core)
		}
	}
	return found
}

// No output of any function has a secret in it, whatever the services answer:
// what it prints, at debug level too, and what it writes to its buckets.
func TestNoOutputHasASecret(t *testing.T) {
	bin := proctest.Build(t, ".")
	of := map[string]struct {
		secrets []string // variables, besides those that its configuration says are
		env     func(url string) map[string]string
	}{
		"muleaudit": {nil, func(url string) map[string]string {
			return map[string]string{"MULE_ORG_ID": "org-1", "CLIENT_ID": "id", "MULE_BASE_URL": url, "MULE_LOOKBACK": "1h"}
		}},
		"gunzipcsv": {[]string{"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}, func(url string) map[string]string {
			return map[string]string{
				"CF_ACCOUNT_ID": "account", "CF_QUEUE_ID": "queue", "CF_API_BASE_URL": url,
				"SOURCE_URL": "s3://logs?region=us-east-1&endpoint=" + url, "AWS_ACCESS_KEY_ID": "id",
			}
		}},
		"slshec": {nil, func(url string) map[string]string {
			return map[string]string{
				"SLS_ENDPOINT": url, "SLS_PROJECT": "project", "SLS_LOGSTORE": "logstore", "SLS_CG": "group", "SLS_AK_ID": "id", "HEC_URL": url,
			}
		}},
		"trailtags": {nil, func(url string) map[string]string {
			return map[string]string{
				"SLS_ENDPOINT": url, "SLS_PROJECT": "project", "SLS_LOGSTORE": "logstore", "SLS_CG": "group", "SLS_AK_ID": "id",
				"SLS_TARGET_PROJECT": "project", "SLS_TARGET_LOGSTORE": "tagged", "ADMIN_ACCOUNT_ID": "1", "RESOURCE_AK_ID": "id2", "LOOKUP_BUDGET": "250ms",
				"STS_ENDPOINT": url, "TAG_ENDPOINT": url, "ECS_ENDPOINT": url, "SLB_ENDPOINT": url,
			}
		}},
	}
	for _, f := range functions() {
		one := of[string(f.name)]
		for _, v := range f.variables {
			if v.Secret {
				one.secrets = append(one.secrets, v.Name)
			}
		}
		if of[string(f.name)] = one; len(one.secrets) == 0 {
			t.Errorf("%s has no secret", f.name)
		}
	}
	private, public := keyFiles(t, t.TempDir())
	servers := map[string]string{"no URL": "http://[hush+URL/x", "unreachable": "http://127.0.0.1:1"}
	for _, status := range []int{200, 400, 401, 403, 500} {
		servers[fmt.Sprint(status)] = echo(t, status)
	}
	var redacted atomic.Int64
	t.Cleanup(func() {
		if redacted.Load() == 0 {
			t.Error("no server echoed a secret: the test shows nothing")
		}
	})
	for function, f := range of {
		for server, at := range servers {
			t.Run(function+" "+server, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				env := f.env(at)
				for _, name := range []string{"out", "state"} {
					if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
						t.Fatal(err)
					}
				}
				for name, value := range map[string]string{
					"OUTPUT_URL": "file://" + dir + "/out", "DEST_URL": "file://" + dir + "/out", "STATE_URL": "file://" + dir + "/state",
					"SLS_AK_ID": "id", "R2_ACCESS_KEY_ID": "id", "ALIBABA_CLOUD_ACCESS_KEY_ID": "id",
					"RUN_TIMEOUT": "1s", "LOG_LEVEL": "debug", "AWS_EC2_METADATA_DISABLED": "true",
					"OTEL_EXPORTER_OTLP_ENDPOINT": at, "OTEL_EXPORTER_OTLP_HEADERS": "api-key=" + url.PathEscape(hush("OTEL")),
				} {
					env[name] = value
				}
				secrets := map[string]string{"OTEL": hush("OTEL")}
				for _, name := range f.secrets {
					secrets[name] = hush(name)
					env[name] = hush(name)
				}
				key, err := os.ReadFile(private)
				if err != nil {
					t.Fatal(err)
				}
				secrets["SIEMFEED_ATTEST_KEY"] = strings.Split(string(key), "\n")[1]
				env["SIEMFEED_ATTEST_KEY"] = string(key)
				commands := []string{"run " + function, "doctor " + function, "verify -o json " + function}
				switch server {
				case "200", "500", "unreachable":
					commands = commands[:1] // the others have no RUN_TIMEOUT, and try again for minutes
				case "401", "no URL":
					commands = append(commands, "run -o json "+function, "doctor -o json "+function)
				}
				for _, command := range commands {
					out, _ := proctest.Run(t, bin, env, strings.Fields(command)...) // it may fail: what it says counts
					if out == "" || strings.Contains(out, "to fix\n") && server != "no URL" {
						t.Errorf("%s did not get to work: %s", command, out)
					}
					if strings.Contains(out, "[redacted]") {
						redacted.Add(1)
					}
					look(t, command, out, secrets)
				}
				if server == "401" { // what is about what is kept is the same whatever the services answer
					signed := dir + "/out/signed.json"
					for _, command := range []string{
						"status", "report --from 1d --out " + dir + "/out/proof.html", "attest --from 1d --out " + signed,
						"attest --from 1d --key " + private + " --out " + signed, "attest verify " + signed + " --public " + public + " --compare",
						"attest --from 1d --key " + public, "quarantine ls " + function, "quarantine show " + function + " none", "replay " + function,
						"prune " + function + " --keep 8d --dry-run", "env " + function, "verfy " + function,
					} {
						for _, output := range []string{"text", "json"} {
							out, _ := proctest.Run(t, bin, env, append(strings.Fields(command), "-o", output)...) // likewise
							look(t, command+" -o "+output, out, secrets)
						}
					}
					if text, err := os.ReadFile(signed); err != nil || !strings.Contains(string(text), "payload") {
						t.Errorf("nothing was signed: %v", err)
					}
				}
				err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
					if err != nil || d.IsDir() {
						return err
					}
					data, err := os.ReadFile(path) //nolint:gosec // below the test's own folder
					look(t, path, string(data), secrets)
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func look(t *testing.T, where, text string, secrets map[string]string) {
	t.Helper()
	secrets["URL"] = "hush+URL/x"
	for name, secret := range secrets {
		if name == "URL" {
			if i := strings.Index(text, secret); i >= 0 {
				t.Errorf("%s: the URL that may hold a secret: …%.300s", where, text[max(0, i-200):])
			}
			continue
		}
		if found := leaks(text, secret); found != nil {
			i := strings.Index(text, found[0])
			t.Errorf("%s: %s as %q: …%.400s", where, name, found[0], text[max(0, i-250):])
		}
	}
}
