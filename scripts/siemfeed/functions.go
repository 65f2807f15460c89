package main

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/siemfeed/siemfeed/pkg/config"
	"github.com/siemfeed/siemfeed/pkg/serve"
)

// functions has a line for every function of the bundle. What the command can do
// with one is in the file that bears its name; whatever goes through all of them
// (status, report, attest, env, quarantine, demo, serve) takes them from here.
func functions() []function {
	return []function{
		muleauditFunction(),
		gunzipcsvFunction(),
		slshecFunction(),
		trailtagsFunction(),
	}
}

// functionName names the function that a command is about.
type functionName string

// function is what the command knows of a function of the bundle.
type function struct {
	name      functionName
	new       serve.New
	variables []config.Variable
	unit      string // what its work is counted in
	// demo shows it at work, with its files in a folder below dir.
	demo func(ctx context.Context, dir string) error

	// The commands that bear its name, such as "run muleaudit". One that a function
	// has nothing for is left out.
	run, backfill, verify, doctor, replay, prune command
}

// command is what is done with one function.
type command struct {
	help string
	do   any // pointer to a struct of flags with a method Run, as kong takes it
}

// perFunction is a command with a command for each function that has one.
type perFunction struct {
	kong.Plugins
}

// add gives the command one for the function called name. Kong makes commands of
// a struct's fields, so it is handed a struct with that one.
func (p *perFunction) add(name functionName, c command) {
	if c.do == nil {
		return
	}
	do := reflect.ValueOf(c.do).Elem()
	holder := reflect.New(reflect.StructOf([]reflect.StructField{{
		Name: "Command", Type: do.Type(), Tag: reflect.StructTag(fmt.Sprintf(`cmd:"" name:%q help:%q`, name, c.help)),
	}})).Elem()
	holder.Field(0).Set(do)
	p.Plugins = append(p.Plugins, holder.Addr().Interface())
}

// names are those of the functions that the command is about.
func (c *cli) names() (list []functionName) {
	for _, f := range c.functions {
		list = append(list, f.name)
	}
	return list
}

// find returns the function called name.
func (c *cli) find(name functionName) (*function, error) {
	for i, f := range c.functions {
		if f.name == name {
			return &c.functions[i], nil
		}
	}
	return nil, usageError{fmt.Errorf("there is no function %q: want one of %s", name, c.known())}
}

// known lists the names of the functions for people.
func (c *cli) known() string {
	var list []string
	for _, name := range c.names() {
		list = append(list, string(name))
	}
	return strings.Join(list, ", ")
}

// asked returns the names in list, or all where there is none.
func (c *cli) asked(list []functionName) ([]functionName, error) {
	if len(list) == 0 {
		return c.names(), nil
	}
	for _, name := range list {
		if _, err := c.find(name); err != nil {
			return nil, err
		}
	}
	return list, nil
}
