package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/pkg/proctest"
	"github.com/siemfeed/siemfeed/pkg/releasetest"
)

// What the READMEs say is done as it stands there: each function against its
// emulators, killed half-way, proved; and then every command of the first README.
// The demo has a test of its own.
func TestNewcomer(t *testing.T) {
	path := t.TempDir()
	if err := os.Symlink(proctest.Build(t, "."), filepath.Join(path, "siemfeed")); err != nil {
		t.Fatal(err)
	}
	n := &newcomer{tree: filepath.Join("..", ".."), path: path, home: t.TempDir()}
	t.Run("functions", func(t *testing.T) {
		for _, f := range functions() {
			t.Run(string(f.name), func(t *testing.T) {
				t.Parallel()
				n.tries(t, f)
			})
		}
	})
	n.operates(t)
}

// newcomer is somebody with a checkout, the command on the path, and a directory to
// try it in.
type newcomer struct{ tree, path, home string }

// reads returns the shell commands below a heading of a README.
func (n *newcomer) reads(t *testing.T, readme, heading string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(n.tree, readme))
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n"+heading+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	_, block, more := strings.Cut(section, "\n```sh\n")
	block, _, _ = strings.Cut(block, "\n```\n")
	if !found || !more || block == "" {
		t.Fatalf("%s has no commands below %s", readme, heading)
	}
	return block
}

// does carries out shell commands in a directory. What they leave running is
// ended when they are done.
func (n *newcomer) does(t *testing.T, dir, commands string, env ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	script := "set -eu\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n" +
		"finds() { code=0; \"$@\" || code=$?; [ $code -le 1 ]; } # a finding is an answer\n" + commands
	sh := exec.CommandContext(ctx, "bash", "-c", script) //nolint:gosec // what the README says
	sh.Dir = dir
	sh.Env = append(append(os.Environ(), "PATH="+n.path+":"+os.Getenv("PATH"), "TMPDIR="+t.TempDir()), env...)
	var out bytes.Buffer
	sh.Stdout, sh.Stderr = &out, &out
	sh.WaitDelay = 10 * time.Second
	if err := sh.Run(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, numbered(script), out.String())
	}
	return out.String()
}

func numbered(script string) string {
	lines := strings.Split(script, "\n")
	for i := range lines {
		lines[i] = fmt.Sprintf("%3d  %s", i+1, lines[i])
	}
	return strings.Join(lines, "\n")
}

var (
	port   = regexp.MustCompile(`\b70\d\d\b`)
	serves = regexp.MustCompile(`(?m)^sleep \d+ +# until (it serves|they serve)$`)
	killed = regexp.MustCompile(`(?m)^(siemfeed run \w+) & sleep 1; kill -9 \$!.*$`)
)

// halfWay is the first sign of work that is done, of each function, in its folder.
var halfWay = map[functionName]string{
	"muleaudit": "output", "gunzipcsv": "csv", "slshec": "state/slshec/receipts", "trailtags": "state/trailtags/receipts",
}

// tries follows "Try it on this machine" of a function, on ports of its own. It
// does not wait for a time where the README does, but for what that is for.
func (n *newcomer) tries(t *testing.T, f function) {
	t.Helper()
	name := string(f.name)
	commands := n.reads(t, "functions/"+name+"/README.md", "## Try it on this machine")
	free := map[string]string{}
	commands = port.ReplaceAllStringFunc(commands, func(p string) string {
		if free[p] == "" {
			free[p] = anyPort(t)
		}
		return free[p]
	})
	var wait strings.Builder
	for _, p := range free {
		fmt.Fprintf(&wait, "until (exec 3<>/dev/tcp/127.0.0.1/%s) 2>/dev/null; do sleep 0.05; done\n", p)
	}
	for what, step := range map[*regexp.Regexp]string{
		serves: wait.String(),
		killed: "$1 & run=$$!\nuntil [ -n \"$$(find " + name + "/" + halfWay[f.name] + " -type f 2>/dev/null | head -1)\" ]; do sleep 0.01; done\n" +
			"kill -9 $$run; code=0; wait $$run || code=$$?; [ $$code = 137 ] # not done yet",
	} {
		if len(what.FindAllString(commands, -1)) != 1 {
			t.Fatalf("%v is not once in\n%s", what, commands)
		}
		if what == serves {
			commands = what.ReplaceAllLiteralString(commands, step)
		} else {
			commands = what.ReplaceAllString(commands, step)
		}
	}
	if f.name == "trailtags" {
		commands = strings.Replace(commands, "\nsiemfeed verify", "\nfinds siemfeed verify", 1)
	}
	out := n.does(t, n.home, commands)
	proof := "complete: nothing is missing, altered or unread"
	if strings.Contains(out, "DOUBLED") && f.name == "trailtags" { // SLS takes a row twice
		proof = "DOUBLED"
	}
	for _, kind := range []string{"\nGAP", "\nMISSING", "\nBEHIND", "\nALTERED"} {
		if strings.Contains(out, kind) {
			t.Errorf("%s is in\n%s", kind, out)
		}
	}
	for _, want := range []string{"checks passed", name + " ok: in ", proof, name + ".html"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	page, err := os.ReadFile(filepath.Join(n.home, name+".html"))
	if err != nil || !bytes.Contains(page, []byte(name)) {
		t.Errorf("the page: %v, %d bytes", err, len(page))
	}
	if left := releasetest.Tree(t, "file://"+filepath.Join(n.home, name, "state")); len(left) == 0 {
		t.Error("nothing is kept")
	}
}

func anyPort(t *testing.T) string {
	t.Helper()
	p, err := freePort(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(p)
}

// operates carries out every command of the first README, in the order in which
// they stand there.
func (n *newcomer) operates(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(n.tree, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	// What a newcomer fills in is what the function's README says.
	filled, err := os.ReadFile(filepath.Join(n.home, "muleaudit.env"))
	if err != nil {
		t.Fatal(err)
	}
	address := anyPort(t)
	filled = regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAll(filled, []byte("127.0.0.1:"+address))
	if err := os.WriteFile(filepath.Join(n.home, "filled.env"), bytes.ReplaceAll(filled, []byte("./muleaudit/"), []byte("./operated/")), 0o600); err != nil {
		t.Fatal(err)
	}
	script := []string{
		"siemfeed emulate anypoint --port " + address + " --rate 0 --events 500 &",
		"until (exec 3<>/dev/tcp/127.0.0.1/" + address + ") 2>/dev/null; do sleep 0.05; done",
	}
	const command = "go run ./scripts/siemfeed "
	commands := 0
	for block := range strings.SplitSeq(string(text), "\n```sh\n") {
		block, _, _ = strings.Cut(block, "\n```\n")
		for line := range strings.SplitSeq(block, "\n") {
			args, ours := strings.CutPrefix(line, command)
			args, _, _ = strings.Cut(args, " #")
			args = strings.TrimSpace(args)
			words := strings.Fields(args)
			switch {
			case strings.HasPrefix(line, "openssl "), strings.HasPrefix(line, "export "):
				script = append(script, line)
			case !ours:
				continue
			case words[0] == "env":
				script = append(script, "siemfeed "+args, "cat filled.env >> my.env")
			default:
				env := ""
				for _, f := range functions() {
					if f.name != "muleaudit" && strings.Contains(args, " "+string(f.name)) {
						env = "SIEMFEED_ENV_FILE=" + string(f.name) + ".env "
					}
				}
				script = append(script, fmt.Sprintf("echo %q; %sfinds siemfeed %s", "$ "+args, env, args))
			}
			if ours {
				commands++
			}
		}
	}
	makefile, err := os.ReadFile(filepath.Join(n.tree, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range regexp.MustCompile(`(?:`+"`"+`|\n)make ([a-z-]+)`).FindAllStringSubmatch(string(text), -1) {
		if !bytes.Contains(makefile, []byte("\n"+target[1]+":")) {
			t.Errorf("README.md has make %s, and the Makefile does not", target[1])
		}
	}
	if commands < 12 {
		t.Errorf("README.md has %d commands", commands)
	}
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("there is no openssl")
	}
	out := n.does(t, n.home, strings.Join(script, "\n"))
	for _, want := range []string{"checks passed", "muleaudit ok: in ", "complete: nothing is missing", "FUNCTION", "delivery.dsse.json"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}
