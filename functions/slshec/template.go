package slshec

import (
	"fmt"
	"strings"

	"github.com/siemfeed/siemfeed/pkg/sls"
)

// template is text with placeholders, such as "{project}/{tag:env}", which each
// log group fills.
type template []piece

// piece is text that every group has, or with fill set what a group puts in.
type piece struct {
	text string
	fill func(g *sls.Group) []byte
}

// placeholders are what a template may hold besides {tag:NAME}.
const placeholders = "{project}, {logstore}, {topic}, {source} or {tag:NAME}"

// newTemplate compiles text. What is the same for all groups becomes text now;
// a placeholder that is not known is an error.
func newTemplate(text, project, logstore string) (t template, err error) {
	for text != "" {
		before, rest, found := strings.Cut(text, "{")
		if strings.Contains(before, "}") {
			return nil, fmt.Errorf("holds a } without a {: want text with %s", placeholders)
		}
		t = t.add(before)
		if !found {
			break
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return nil, fmt.Errorf("holds a { without a }: want text with %s", placeholders)
		}
		tag, isTag := strings.CutPrefix(name, "tag:")
		switch {
		case name == "project":
			t = t.add(project)
		case name == "logstore":
			t = t.add(logstore)
		case name == "topic":
			t = append(t, piece{fill: func(g *sls.Group) []byte { return g.Topic }})
		case name == "source":
			t = append(t, piece{fill: func(g *sls.Group) []byte { return g.Source }})
		case isTag && tag != "":
			t = append(t, piece{fill: func(g *sls.Group) []byte { return tagOf(g, tag) }})
		default:
			return nil, fmt.Errorf("holds {%s}: want %s", name, placeholders)
		}
		text = after
	}
	return t, nil
}

func (t template) add(text string) template {
	if text == "" {
		return t
	}
	if n := len(t); n > 0 && t[n-1].fill == nil {
		t[n-1].text += text
		return t
	}
	return append(t, piece{text: text})
}

// fixed returns the text of a template that no group changes.
func (t template) fixed() (text string, ok bool) {
	switch {
	case len(t) == 0:
		return "", true
	case len(t) == 1 && t[0].fill == nil:
		return t[0].text, true
	}
	return "", false
}

// append appends what g makes of the template.
func (t template) append(dst []byte, g *sls.Group) []byte {
	for i := range t {
		if t[i].fill != nil {
			dst = append(dst, t[i].fill(g)...)
		} else {
			dst = append(dst, t[i].text...)
		}
	}
	return dst
}

// tagOf returns the value of the group's first tag of that name, nil without one.
func tagOf(g *sls.Group, name string) []byte {
	for i := range g.Tags {
		if string(g.Tags[i].Key) == name {
			return g.Tags[i].Value
		}
	}
	return nil
}
