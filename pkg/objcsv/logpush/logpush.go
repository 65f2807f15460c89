// Package logpush generates log objects as Cloudflare Logpush writes them for
// its gateway_http dataset, for demos, tests and benchmarks. The same seed
// gives the same bytes.
//
// Field names and types are those of the dataset's documentation; CSV comes
// without a header, as Logpush sends it, and quotes each text cell.
package logpush

import (
	"bufio"
	"encoding/json"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
)

// Format is a Logpush job's output_type.
type Format string

// Output types.
const (
	NDJSON Format = "ndjson"
	CSV    Format = "csv"
)

// Columns returns the dataset's field names in the order they are written.
func Columns() []string {
	names := make([]string, len(gateway))
	for i, f := range gateway {
		names[i] = f.name
	}
	return names
}

// Generate returns n records of gateway_http, plain text.
func Generate(seed uint64, n int, format Format) io.WriterTo {
	return &object{seed: seed, n: n, format: format}
}

// Gzip returns what a Logpush bucket holds: the same records, gzipped.
func Gzip(seed uint64, n int, format Format) io.WriterTo {
	return &object{seed: seed, n: n, format: format, gzip: true}
}

type object struct {
	seed   uint64
	n      int
	format Format
	gzip   bool
}

// WriteTo writes the object and returns its decompressed size.
func (o *object) WriteTo(w io.Writer) (int64, error) {
	if !o.gzip {
		return o.text(w)
	}
	zw := gzip.NewWriter(w)
	n, err := o.text(zw)
	if err != nil {
		return n, err
	}
	return n, zw.Close()
}

func (o *object) text(w io.Writer) (int64, error) {
	bw := bufio.NewWriterSize(w, 64<<10)
	g := &generator{Rand: rand.New(rand.NewPCG(o.seed, 5))}
	var line []byte
	var total int64
	for i := range o.n {
		g.next(i)
		line = line[:0]
		for j, f := range gateway {
			line = o.field(line, j, f.name, f.value(g))
		}
		if o.format == NDJSON {
			line = append(line, '}')
		}
		line = append(line, '\n')
		total += int64(len(line))
		if _, err := bw.Write(line); err != nil {
			return total, err
		}
	}
	return total, bw.Flush()
}

// field appends one JSON value as a member, or as a CSV cell.
func (o *object) field(line []byte, i int, name, value string) []byte {
	if o.format == NDJSON {
		open := byte(',')
		if i == 0 {
			open = '{'
		}
		line = append(line, open, '"')
		line = append(line, name...)
		line = append(line, '"', ':')
		return append(line, value...)
	}
	if i > 0 {
		line = append(line, ',')
	}
	cell := value
	if value[0] == '"' {
		_ = json.Unmarshal([]byte(value), &cell) // made by quote, below
	}
	if value[0] == '"' || strings.ContainsAny(cell, `",`) {
		cell = `"` + strings.ReplaceAll(cell, `"`, `""`) + `"`
	}
	return append(line, cell...)
}

// generator holds what the fields of one record have in common.
type generator struct {
	*rand.Rand
	at         time.Time
	user, site int
	blocked    bool
}

func (g *generator) next(i int) {
	g.at = time.Date(2026, 11, 3, 8, 0, 0, 0, time.UTC).Add(time.Duration(i) * 7 * time.Millisecond)
	g.user = int(200 * g.Float64() * g.Float64()) // few users make most requests
	g.site = int(float64(len(sites)) * g.Float64() * g.Float64())
	g.blocked = g.IntN(50) == 0
}

// some returns value for one record in n, and otherwise.
func (g *generator) some(n int, value, otherwise string) string {
	if g.IntN(n) == 0 {
		return value
	}
	return otherwise
}

func (g *generator) pick(from []string) string { return from[g.IntN(len(from))] }

func (g *generator) hex(n int) string {
	const digits = "0123456789abcdef"
	b := make([]byte, n)
	for i := range b {
		b[i] = digits[g.IntN(16)]
	}
	return string(b)
}

// quote writes a JSON string without escaping <, > and &, as Logpush does.
func quote(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a strings.Builder does not fail
	return strings.TrimSuffix(b.String(), "\n")
}

func number(n int) string { return strconv.Itoa(n) }
