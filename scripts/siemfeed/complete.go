package main

import (
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// complete returns what the last of words may become, as the commands below root
// have it, which may be about one of functions.
func complete(root *kong.Node, functions []functionName, words []string) []string {
	at, last := place{node: root}, ""
	for i, word := range words {
		if word == "=" { // bash makes three words of --flag=value
			word = ""
			if i < len(words)-1 {
				continue
			}
		}
		if i == len(words)-1 {
			last = word
			break
		}
		at.take(word)
	}
	return at.offers(functions, last)
}

// place is how far a command line has come.
type place struct {
	node     *kong.Node
	flag     *kong.Flag // whose value comes next
	argument int        // how many there were of the node
}

func (p *place) take(word string) {
	name, _, valued := strings.Cut(word, "=")
	switch flag := p.find(name); {
	case p.flag != nil:
		p.flag = nil
	case flag != nil:
		if !valued && !flag.IsBool() {
			p.flag = flag
		}
	case strings.HasPrefix(word, "-"):
	default:
		for _, child := range p.node.Children {
			if child.Name == word {
				*p = place{node: child}
				return
			}
		}
		p.argument++
	}
}

// flags are those that may be given here.
func (p *place) flags() []*kong.Flag {
	list := slices.Concat(p.node.AllFlags(true)...)
	if first := p.node.DefaultCmd; first != nil {
		list = append(list, first.Flags...)
	}
	return list
}

// find returns the flag that is written name, if there is one.
func (p *place) find(name string) *kong.Flag {
	for _, flag := range p.flags() {
		if name == "--"+flag.Name || flag.Short != 0 && name == "-"+string(flag.Short) {
			return flag
		}
	}
	return nil
}

// offers are what word, which ends the line so far, may become.
func (p *place) offers(functions []functionName, word string) []string {
	if p.flag != nil {
		return begun(word, "", values(p.flag.Value, functions))
	}
	if name, value, valued := strings.Cut(word, "="); valued {
		if flag := p.find(name); flag != nil {
			return begun(value, name+"=", values(flag.Value, functions))
		}
		return nil
	}
	var list []string
	if strings.HasPrefix(word, "-") {
		for _, flag := range p.flags() {
			list = append(list, "--"+flag.Name+"\t"+flag.Help)
		}
		return begun(word, "", list)
	}
	for _, child := range p.node.Children {
		if !child.Hidden {
			list = append(list, child.Name+"\t"+child.Help)
		}
	}
	if arguments := p.node.Positional; len(arguments) > 0 {
		argument := arguments[min(p.argument, len(arguments)-1)]
		if p.argument < len(arguments) || argument.IsSlice() {
			list = append(list, values(argument, functions)...)
		}
	}
	return begun(word, "", list)
}

// values are what may stand for v, as far as that is known.
func values(v *kong.Value, functions []functionName) (list []string) {
	of := v.Target.Type()
	if of.Kind() == reflect.Slice {
		of = of.Elem()
	}
	switch {
	case v.Enum != "":
		return v.EnumSlice()
	case of == reflect.TypeFor[functionName]():
		for _, f := range functions {
			list = append(list, string(f))
		}
	case slices.Contains([]string{"path", "existingfile", "existingdir"}, v.Tag.Type):
		list = append(list, asFiles)
	}
	return list
}

// begun returns those of list that begin with word, after the same before; and
// asFiles, since the shell knows those.
func begun(word, before string, list []string) (found []string) {
	for _, one := range list {
		switch {
		case one == asFiles:
			return []string{asFiles}
		case strings.HasPrefix(one, word):
			found = append(found, before+one)
		}
	}
	return found
}
