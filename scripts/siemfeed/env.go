package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/pkg/serve"
)

// environment returns where a function's variables are looked up: in the env
// file, if there is one, then in the process environment.
func (c *cli) environment() (envconfig.Lookuper, error) {
	if c.EnvFile == "" {
		return envconfig.OsLookuper(), nil
	}
	vars, err := readEnvFile(c.EnvFile)
	if err != nil {
		return nil, err
	}
	return envconfig.MultiLookuper(envconfig.MapLookuper(vars), envconfig.OsLookuper()), nil
}

// open builds a function, by its Open, from what the command line says.
func open[F any](ctx context.Context, c *cli, build func(context.Context, envconfig.Lookuper, serve.Runtime) (F, error)) (fn F, err error) {
	env, err := c.environment()
	if err != nil {
		return fn, err
	}
	rt, err := serve.NewRuntime(ctx, env)
	if err != nil {
		return fn, err
	}
	return build(ctx, env, rt)
}

// readEnvFile reads NAME=value lines, with # comments, an optional "export "
// and optional quotes round a value.
func readEnvFile(path string) (map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	vars := map[string]string{}
	s := bufio.NewScanner(f)
	for n := 1; s.Scan(); n++ {
		line := strings.TrimSpace(s.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(strings.TrimPrefix(line, "export "), "=")
		if name = strings.TrimSpace(name); !ok || name == "" || strings.ContainsAny(name, " \t\"'") {
			return nil, fmt.Errorf("%s line %d: want NAME=value", path, n) // not the line: it may hold a secret
		}
		value = strings.TrimSpace(value)
		for _, quote := range []string{`"`, `'`} {
			if len(value) >= 2 && strings.HasPrefix(value, quote) && strings.HasSuffix(value, quote) {
				value = value[1 : len(value)-1]
				break
			}
		}
		vars[name] = value
	}
	return vars, s.Err()
}
