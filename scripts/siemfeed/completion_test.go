package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/siemfeed/siemfeed/pkg/proctest"
)

func TestComplete(t *testing.T) {
	for line, want := range map[string][]string{
		"":                               {"run", "verify", "quarantine", "completion", "!serve", "!complete"},
		"ver":                            {"verify"},
		"verify ":                        {"muleaudit", "gunzipcsv", "slshec", "trailtags"},
		"verify mule":                    {"muleaudit"},
		"--output json verify mule":      {"muleaudit"},
		"-o json verify mule":            {"muleaudit"},
		"--output=json verify mule":      {"muleaudit"},
		"verify muleaudit --d":           {"--deep"},
		"verify muleaudit --deep --outp": {"--output"},
		"verify slshec --d":              {},
		"verify muleaudit --output ":     {"text", "json"},
		"verify muleaudit --output=j":    {"--output=json"},
		"verify muleaudit --output =":    {"text", "json"},
		"verify muleaudit --output = j":  {"json"},
		"verify muleaudit --from ":       {},
		"status ":                        {"muleaudit", "slshec"},
		"status muleaudit ":              {"slshec"},
		"quarantine ":                    {"ls", "show", "accept"},
		"quarantine show gunz":           {"gunzipcsv"},
		"quarantine show gunzipcsv ":     {},
		"attest verify ":                 {asFiles},
		"attest --key ":                  {asFiles},
		"--env-file ":                    {asFiles},
		"completion ":                    {"bash", "zsh", "fish"},
		"nonsense ":                      {"run"},
	} {
		t.Run(line, func(t *testing.T) {
			var out, errs bytes.Buffer
			args := append([]string{"complete", "--"}, strings.Split(line, " ")...)
			if code := siemfeed(t.Context(), functions(), &out, &errs, args); code != exitDone {
				t.Fatalf("ended with %d: %s", code, &errs)
			}
			var got []string
			for line := range strings.Lines(out.String()) {
				word, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
				got = append(got, word)
			}
			if len(want) == 0 && len(got) > 0 {
				t.Errorf("%q are offered", got)
			}
			for _, word := range want {
				if not, ok := strings.CutPrefix(word, "!"); slices.Contains(got, strings.TrimPrefix(word, "!")) == ok {
					t.Errorf("%q are offered; %q is wrong about %q", got, not, word)
				}
			}
		})
	}
}

// The shells that are here complete what they are asked to.
func TestCompletionInShells(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink(proctest.Build(t, "."), filepath.Join(dir, "siemfeed")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "my.env"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for shell, script := range map[string]string{
		"bash": `source <(siemfeed completion bash)
			for line in "verify mule" "verify muleaudit --dee" "status muleaudit --output = j"; do
				COMP_WORDS=(siemfeed $line) COMP_CWORD=$(set -- $line; echo $#)
				_siemfeed
				echo "${COMPREPLY[@]}"
			done
			[[ $(complete -p siemfeed) == *_siemfeed* ]]`,
		"zsh": `autoload -U compinit; compinit -u -d comp
			source <(siemfeed completion zsh)
			[[ ${_comps[siemfeed]} == _siemfeed ]]
			_describe() { print -r -- ${(P)${@[-1]}%%:*}; }
			for line in "verify mule" "verify muleaudit --dee"; do
				words=(siemfeed ${=line}) CURRENT=${#words}; _siemfeed
			done; echo json`,
		"fish": `siemfeed completion fish | source
			for line in "verify mule" "verify muleaudit --dee" "status muleaudit --output j"
				complete -C "siemfeed $line" | string split -f1 \t
			end
			true # what split ends with`,
	} {
		t.Run(shell, func(t *testing.T) {
			path, err := exec.LookPath(shell)
			if err != nil {
				t.Skip("no " + shell + " here")
			}
			cmd := exec.CommandContext(t.Context(), path, "-c", script)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "HOME="+dir)
			out, err := cmd.CombinedOutput()
			if want := "muleaudit\n--deep\njson\n"; err != nil || string(out) != want {
				t.Errorf("%v, got\n%s\nwant\n%s", err, out, want)
			}
		})
	}
}
