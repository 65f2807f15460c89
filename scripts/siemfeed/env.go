package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/pkg/proxy"
	"github.com/siemfeed/siemfeed/pkg/serve"
)

// AfterApply puts the variables of the env file into the process environment,
// over those that are there, before any command begins: they are for all that
// reads it, the libraries beneath too.
func (c *cli) AfterApply() error {
	if c.EnvFile == "" {
		return proxy.KeepDirect()
	}
	text, err := os.ReadFile(c.EnvFile)
	if err != nil {
		return err
	}
	vars, err := parseEnv(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", c.EnvFile, err)
	}
	for name, value := range vars {
		if err := os.Setenv(name, value); err != nil {
			return fmt.Errorf("%s: %s: %w", c.EnvFile, name, err)
		}
	}
	return proxy.KeepDirect()
}

// builder is the Open of a function.
type builder[F serve.Function] = func(context.Context, envconfig.Lookuper, serve.Runtime) (F, error)

// open builds a function from the environment.
func open[F serve.Function](ctx context.Context, c *cli, build builder[F]) (fn F, err error) {
	rt, err := c.runtime(ctx)
	if err != nil {
		return fn, err
	}
	return build(ctx, envconfig.OsLookuper(), rt)
}

// runtime makes what a function is given besides its configuration; close ends
// it.
func (c *cli) runtime(ctx context.Context) (serve.Runtime, error) {
	rt, err := serve.NewRuntime(ctx, envconfig.OsLookuper(), string(c.function.name), c.logger)
	if err == nil {
		c.closing = append(c.closing, func() { rt.Close(ctx) })
	}
	return rt, err
}

// close ends what the command has begun.
func (c *cli) close() {
	for _, end := range c.closing {
		end()
	}
}

// dollar stands for $ while the library reads: it would put variables there,
// which makes another secret of pa$word. No text has it, see parseEnv.
const dollar = "\x00"

var (
	// comment is a value that is nothing but a comment, which the library takes
	// for the value.
	comment = regexp.MustCompile(`(?m)^([\t ]*(?:export[\t ]+)?\w+[\t ]*=)[\t ]+#.*$`)
	// tabbed is a comment behind a value without quotes and a tab, where the
	// library wants a blank.
	tabbed = regexp.MustCompile(`(?m)^([\t ]*(?:export[\t ]+)?\w+[\t ]*=[\t ]*[^'"\s].*?)\t[\t ]*#.*$`)
	name   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*$`)
	line   = regexp.MustCompile(`^line (\d+):`)
)

// parseEnv reads an env file as Docker Compose does: NAME=value, export
// NAME=value, blank lines, comments on lines of their own and behind a value and
// white space, quotes round a value, which may then span lines, a byte order
// mark, Windows line ends; but $ is always itself. Its errors name the line, and
// never quote what may be a secret.
func parseEnv(text string) (map[string]string, error) {
	if strings.Contains(text, dollar) {
		return nil, fmt.Errorf("line %d: a NUL character: save it as UTF-8, if it is UTF-16 as Windows PowerShell writes it", lineOf(text, strings.Index(text, dollar)))
	}
	text = strings.TrimPrefix(text, "\uFEFF")
	text = strings.NewReplacer("\r\n", "\n", "$", dollar).Replace(text) + "\n"
	text = comment.ReplaceAllString(text, "$1")
	text = tabbed.ReplaceAllString(text, "$1")
	var bare []string
	vars, err := dotenv.UnmarshalWithLookup(text, func(name string) (string, bool) {
		bare = append(bare, name)
		return "", false
	})
	if err != nil {
		if at := line.FindString(err.Error()); at != "" {
			return nil, errors.New(at + " " + wantPair)
		}
		return nil, errors.New(wantPair)
	}
	for key := range vars {
		if !name.MatchString(key) {
			bare = append(bare, key)
		}
	}
	if len(bare) > 0 {
		return nil, firstOf(text, bare)
	}
	for key, value := range vars {
		vars[key] = strings.ReplaceAll(value, dollar, "$")
	}
	return vars, nil
}

const wantPair = "want NAME=value, and the value in single quotes if it is to keep blanks at its ends or quotes"

// firstOf says which line holds the first of the names: before a separator, or
// alone, which is at its end where it stands behind a quoted value.
func firstOf(text string, names []string) error {
	for n, l := range strings.Split(text, "\n") {
		l = strings.TrimSpace(l)
		before, _, pair := strings.Cut(strings.TrimPrefix(l, "export "), "=")
		for _, name := range names {
			if pair && strings.TrimSpace(before) == name || name != "" && strings.HasSuffix(l, name) {
				return fmt.Errorf("line %d: %s", n+1, wantPair)
			}
		}
	}
	return errors.New(wantPair)
}

func lineOf(text string, at int) int { return 1 + strings.Count(text[:at], "\n") }
