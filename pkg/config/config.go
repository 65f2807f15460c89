// Package config turns environment variables into a validated struct, and
// reports every fault at once: whoever deploys a function fixes its
// configuration in one round.
package config

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/sethvargo/go-envconfig"
)

// Fault is what is wrong with one variable.
type Fault struct {
	Var     string // name of the environment variable
	Problem string // what is wrong and what to set
}

// Faults is the error that [Load] returns: all that is wrong, in one message.
type Faults []Fault

func (f Faults) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "configuration: %d to fix", len(f))
	for _, x := range f {
		fmt.Fprintf(&b, "\n  %s: %s", x.Var, x.Problem)
	}
	return b.String()
}

// Add appends a fault, with the problem formatted as by [fmt.Sprintf].
func (f *Faults) Add(name, format string, args ...any) {
	*f = append(*f, Fault{name, fmt.Sprintf(format, args...)})
}

// AddErr appends err as a fault of name, unless it is nil.
func (f *Faults) AddErr(name string, err error) {
	if err != nil {
		f.Add(name, "%v", err)
	}
}

// Err returns f as an error, or nil when there is nothing to fix.
func (f Faults) Err() error {
	if len(f) == 0 {
		return nil
	}
	return f
}

// Validator is a configuration that checks itself once its fields are set. It
// may also fill in defaults that depend on other fields.
type Validator interface {
	Validate() Faults
}

// Load fills *dst from env. Each exported field names its variable in an
// envconfig tag (`env:"NAME, default=…"` or `env:"NAME, required"`) and says in
// a help tag what it is for; embedded structs are filled likewise. A variable
// that is set to nothing counts as unset, since that is what templates leave,
// but for a field with the tag `empty:"kept"`. The error is a [Faults].
func Load[T any](ctx context.Context, env envconfig.Lookuper, dst *T) error {
	var faults Faults
	fill(ctx, env, reflect.ValueOf(dst).Elem(), &faults)
	if v, ok := any(dst).(Validator); ok {
		known := map[string]bool{}
		for _, f := range faults {
			known[f.Var] = true
		}
		for _, f := range v.Validate() {
			// A field that could not be read has no value to judge.
			if !known[f.Var] {
				faults = append(faults, f)
			}
		}
	}
	return faults.Err()
}

// fill processes the fields one by one, because envconfig stops at the first
// fault of a struct.
func fill(ctx context.Context, env envconfig.Lookuper, v reflect.Value, faults *Faults) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		tag, tagged := field.Tag.Lookup("env")
		switch {
		case tagged:
			one := reflect.New(reflect.StructOf([]reflect.StructField{field}))
			name, _, _ := strings.Cut(tag, ",")
			lookup, err := trimmed(env, field.Tag.Get("empty") == "kept"), error(nil)
			if kind(field.Type) == wholeNumber {
				lookup, err = decimal(lookup, name)
			}
			if err == nil {
				err = envconfig.ProcessWith(ctx, &envconfig.Config{Target: one.Interface(), Lookuper: lookup})
			}
			if err == nil {
				v.Field(i).Set(one.Elem().Field(0))
				continue
			}
			if errors.Is(err, envconfig.ErrMissingRequired) {
				faults.Add(name, "required: %s", field.Tag.Get("help"))
				continue
			}
			value, _ := trimmed(env, true).Lookup(name)
			if field.Type == reflect.TypeFor[Secret]() {
				value = redacted
			}
			faults.Add(name, "cannot read %q as %s: %s", value, kind(field.Type), field.Tag.Get("help"))
		case field.Anonymous && field.Type.Kind() == reflect.Struct:
			fill(ctx, env, v.Field(i), faults)
		}
	}
}

// decimal looks the integer called name up as a decimal number: envconfig takes
// 010 for eight and 0x10 for a number, as a Go program means them.
func decimal(env envconfig.Lookuper, name string) (envconfig.Lookuper, error) {
	text, ok := env.Lookup(name)
	if !ok {
		return env, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return envconfig.MapLookuper(map[string]string{name: strconv.FormatInt(n, 10)}), err
}

// trimmed looks variables up without the white space around their values.
func trimmed(env envconfig.Lookuper, empty bool) envconfig.Lookuper {
	return envconfig.LookuperFunc(func(key string) (string, bool) {
		v, ok := env.Lookup(key)
		v = strings.TrimSpace(v)
		return v, ok && (empty || v != "")
	})
}

func kind(t reflect.Type) string {
	switch t.String() {
	case "time.Duration":
		return "a duration such as 90s, 5m or 1h"
	case "bool":
		return "true or false"
	case "int", "int64":
		return wholeNumber
	}
	return t.String()
}

const wholeNumber = "a whole number such as 200"

// Variable describes one environment variable of a configuration struct.
type Variable struct {
	Name, Default, Help string
	Required            bool
	Secret              bool // of the type [Secret]
}

// Variables lists the variables of T in the order of its fields, for help
// texts and for the tests that hold a README to the code.
func Variables[T any]() []Variable {
	var out []Variable
	var walk func(reflect.Type)
	walk = func(t reflect.Type) {
		for i := range t.NumField() {
			field := t.Field(i)
			tag, tagged := field.Tag.Lookup("env")
			if !tagged {
				if field.Anonymous && field.Type.Kind() == reflect.Struct {
					walk(field.Type)
				}
				continue
			}
			parts := strings.Split(tag, ",")
			v := Variable{Name: parts[0], Help: field.Tag.Get("help"), Secret: field.Type == reflect.TypeFor[Secret]()}
			for _, p := range parts[1:] {
				p = strings.TrimSpace(p)
				if d, ok := strings.CutPrefix(p, "default="); ok {
					v.Default = d
				}
				v.Required = v.Required || p == "required"
			}
			out = append(out, v)
		}
	}
	walk(reflect.TypeFor[T]())
	return out
}
