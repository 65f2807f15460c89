package main

import (
	_ "embed"
	"fmt"

	"github.com/alecthomas/kong"
)

// The scripts ask the program itself what a word may become, so that they never
// differ from its commands.
var (
	//go:embed completion.bash
	bashCompletion string
	//go:embed completion.zsh
	zshCompletion string
	//go:embed completion.fish
	fishCompletion string
)

// completionCmd prints what makes a shell complete command lines of siemfeed.
type completionCmd struct {
	textOnly

	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Run implements the command.
func (s *completionCmd) Run(c *cli) error {
	script := map[string]string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}[s.Shell]
	_, err := fmt.Fprint(c.stdout, script)
	return err
}

// completeCmd prints what the last of some words may become, each in a line with
// a tab and what it is, or asFiles. The scripts call it.
type completeCmd struct {
	textOnly

	Words []string `arg:"" optional:"" help:"The words after the program's name; the last one may be empty."`
}

// asFiles stands for the files that there are.
const asFiles = ":files"

// Run implements the command.
func (w *completeCmd) Run(c *cli, k *kong.Kong) error {
	for _, line := range complete(k.Model.Node, c.names(), w.Words) {
		if _, err := fmt.Fprintln(c.stdout, line); err != nil {
			return err
		}
	}
	return nil
}
