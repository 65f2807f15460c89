package slshec

import (
	"github.com/siemfeed/siemfeed/pkg/hec"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// route says where the events of a log group go: host, source, sourcetype and
// index. It belongs to one goroutine at a time.
type route struct {
	filled []filled // by each group
	fixed  []byte   // of every event, each after a comma
	text   []byte   // what a template is filled into
}

// filled is a key whose value depends on the group. The first template that
// gives any text counts; where none does, the key is left out.
type filled struct {
	key    string // with comma, quotes and colon
	choice []template
}

// routed is a key of a route: the template that the variable gives, and what
// counts where that comes to nothing.
type routed struct{ key, variable, template, otherwise string }

func (c *Config) routing() []routed {
	return []routed{
		{"host", "HEC_HOST", c.Host, "{source}"},
		{"source", "HEC_SOURCE", c.Source, ""},
		{"sourcetype", "HEC_SOURCETYPE", c.Sourcetype, ""},
		{"index", "HEC_INDEX", c.Index, ""},
	}
}

func newRoute(c *Config) (r route) {
	for _, to := range c.routing() {
		f := filled{key: `,"` + to.key + `":`}
		for _, text := range []string{to.template, to.otherwise} {
			t, err := newTemplate(text, c.Project, c.Logstore)
			if err != nil { // Validate has refused it
				panic(err)
			}
			if len(t) > 0 {
				f.choice = append(f.choice, t)
			}
		}
		if len(f.choice) == 0 {
			continue
		}
		if text, ok := f.choice[0].fixed(); ok {
			r.fixed = append(r.fixed, f.key...)
			r.fixed, _ = hec.AppendString(r.fixed, text)
			continue
		}
		r.filled = append(r.filled, f)
	}
	return r
}

// append appends the keys for g, and returns how many bytes of their values
// were not UTF-8.
func (r *route) append(dst []byte, g *sls.Group) (out []byte, invalid int) {
	for i := range r.filled {
		f := &r.filled[i]
		for _, t := range f.choice {
			if r.text = t.append(r.text[:0], g); len(r.text) == 0 {
				continue
			}
			dst = append(dst, f.key...)
			var n int
			dst, n = hec.AppendString(dst, r.text)
			invalid += n
			break
		}
	}
	return append(dst, r.fixed...), invalid
}

// index returns the index of every event, "" for the token's own. It returns
// false where the index depends on the log group.
func (c *Config) index() (name string, fixed bool) {
	t, err := newTemplate(c.Index, c.Project, c.Logstore)
	if err != nil { // Validate has refused it
		panic(err)
	}
	return t.fixed()
}
