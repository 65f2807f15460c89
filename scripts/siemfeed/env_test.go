package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/siemfeed/siemfeed/pkg/proctest"
)

func TestParseEnv(t *testing.T) {
	for text, want := range map[string]string{
		"A=1":                            "1",
		"export A=1\n":                   "1",
		"export\tA=1":                    "1",
		"# comment\n\n A = 1 ":           "1",
		"\uFEFFA=1\r\nB=2\r\n":           "1",
		"\uFEFF# comment\r\n\r\nA=1\r\n": "1",
		"A=1\nA=2":                       "2",
		"A=":                             "",
		"A=\nB=2":                        "",

		"A=1 # why":                    "1",
		"A=1\t# why # two":             "1",
		"A=1 # see #12":                "1",
		"A= # nothing":                 "",
		"A=\t# nothing":                "",
		"A='1' # why":                  "1",
		`A="1" # it's`:                 "1",
		"A=#1":                         "#1",
		"A=a#1":                        "a#1",
		"A='a # 1'":                    "a # 1",
		"A=https://h/?q=1&r=#fragment": "https://h/?q=1&r=#fragment",

		`A="x y=z"`:         "x y=z",
		`A=' x '`:           " x ",
		`A={"a": "b"}`:      `{"a": "b"}`,
		`A=it's`:            "it's",
		`A="say \"hi\""`:    `say "hi"`,
		`A="one\ntwo"`:      "one\ntwo",
		`A='one\ntwo'`:      `one\ntwo`,
		"A='one\ntwo'\nB=2": "one\ntwo",
		`A=C:\dir`:          `C:\dir`,
		`A="C:\dir"`:        `C:\dir`,

		"B=2\nA=pa$B":        "pa$B",
		`A=pa$$word${x}$(y)`: "pa$$word${x}$(y)",
		`A="pa$word#1"`:      "pa$word#1",
		`A='pa$word#1'`:      "pa$word#1",
		`A=$`:                "$",
		"A=ключ":             "ключ",
	} {
		if got, err := parseEnv(text); err != nil || got["A"] != want {
			t.Errorf("%q: %q, %v", text, got["A"], err)
		}
	}
}

func TestEnvFileErrorsNameTheLineAndNoSecret(t *testing.T) {
	for text, want := range map[string]string{
		"A=1\nhidden secret\n":         "line 2:",
		"A=1\nhidden\n":                "line 2:",
		"A=1\n\n# c\nhidden":           "line 4:",
		"A=1\n'hidden'=2\n":            "line 2:",
		"A=1\nhid-den=2\n":             "line 2:",
		"A=1\n=hidden\n":               "line 2:",
		"A=1\nB='hidden\n":             "line ",
		"A=1\nB='hi'dden\n":            "line ",
		"A='it''s hidden'\n":           "line ",
		"A=1\nB=hid\x00den\n":          "line 2:",
		"\xff\xfeh\x00i\x00d\x00=\x00": "line 1: a NUL character: save it as UTF-8",
		"A=1\nB=\"\n\nhidden\nC=1\n":   "line ",
	} {
		got, err := parseEnv(text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hid") || strings.Contains(err.Error(), "den") {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

// What is not refused is read the same again when it is written in single
// quotes, and no value comes out of nothing.
func FuzzParseEnv(f *testing.F) {
	for _, seed := range []string{"A=1\n", "\uFEFFexport A='x y' # c\r\nB=\"a\\nb\"", "A=pa$word # c", "A", "A='", "A=\t#", "=", "\x00", "A=\"\\"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		vars, err := parseEnv(text)
		if err != nil {
			if strings.Contains(text, "secret") && strings.Contains(err.Error(), "secret") {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		for name, value := range vars {
			if strings.ContainsAny(name, "= \t\n'\"#") || name == "" {
				t.Errorf("%q: a variable %q", text, name)
			}
			if strings.Contains(value, dollar) || strings.Count(value, "$") > strings.Count(text, "$") {
				t.Errorf("%q: %s=%q", text, name, value)
			}
			if strings.ContainsAny(value, "'\r\\") {
				continue
			}
			again, err := parseEnv("export " + name + "='" + value + "' # again\r\n")
			if err != nil || again[name] != value || len(again) != 1 {
				t.Errorf("%s=%q is read as %q, %v", name, value, again, err)
			}
		}
	})
}

// A variable of the file counts as if exported, for a command and for the
// server, over what the environment has.
func TestEnvFileIsExported(t *testing.T) {
	bin := proctest.Build(t, ".")
	dir := t.TempDir()
	file := filepath.Join(dir, "env")
	text := "SOURCE_URL=s3://bucket?endpoint=http://127.0.0.1:1\nDEST_URL=file://" + dir + "\nSTATE_URL=mem://\nAWS_PROFILE=of-the-file\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"doctor", "serve"} {
		// The AWS SDK reads the variable, and refuses a profile that is nowhere.
		out, err := proctest.Run(t, bin, map[string]string{"AWS_PROFILE": "default", "SIEMFEED_ENV_FILE": file}, command, "gunzipcsv")
		if err == nil || !strings.Contains(out, "of-the-file") {
			t.Errorf("%s: %v\n%s", command, err, out)
		}
	}
}
