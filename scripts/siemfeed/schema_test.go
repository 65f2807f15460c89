package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/siemfeed/siemfeed/pkg/receipt"
)

var update = flag.Bool("update", false, "write what the tests compare with anew")

// documents has every document that the command prints, by its kind.
var documents = map[string]any{
	"error": errorAnswer{}, "run": runAnswer{}, "backfill": backfillAnswer{}, "verify": verifyAnswer{}, "doctor": doctorAnswer{},
	"replay": replayAnswer{}, "status": statusAnswer{}, "report": reportAnswer{}, "attest": attestAnswer{}, "attest-verify": attestVerifyAnswer{}, "attest-verify-release": releaseAnswer{},
	"env": envAnswer{}, "prune": pruneAnswer{}, "quarantine-accept": acceptAnswer{}, "quarantine-ls": lsAnswer{},
	"quarantine-show": struct {
		header
		// Records are the rejected records, each in a line.
		Records []received `json:"records"`
	}{},
}

// looked has what functions look at when they verify.
var looked = []checked{organisations{}, objects{}, shards{}}

const schemaFile = "answers.schema.json"

var made struct {
	sync.Once
	schema []byte
}

// schemaOfAnswers is what the types say that answers are made of.
func schemaOfAnswers(t *testing.T) []byte {
	t.Helper()
	made.Do(func() { made.schema = makeSchema(t) })
	return made.schema
}

func makeSchema(t *testing.T) []byte {
	t.Helper()
	m := newSchemaMaker(t)
	defs := map[string]any{}
	for kind, document := range documents {
		s := m.of(reflect.TypeOf(document))
		s["properties"].(map[string]any)["schema"] = map[string]any{"const": schemaOf(kind)}
		s["required"] = append(s["required"].([]string), "schema")
		defs[schemaOf(kind)] = s
	}
	var want bytes.Buffer
	enc := json.NewEncoder(&want)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"title":   "What siemfeed prints with --output json",
		"$defs":   defs,
	})
	if err != nil {
		t.Fatal(err)
	}
	return want.Bytes()
}

// TestSchema holds the schema that is told to the one that answers have.
func TestSchema(t *testing.T) {
	want := schemaOfAnswers(t)
	if *update {
		if err := os.WriteFile(schemaFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(schemaFile)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what the types say (%v): go test ./scripts/siemfeed -run TestSchema -update", schemaFile, err)
	}
}

// schemaMaker makes schemas of types, with their doc comments.
type schemaMaker struct {
	t        *testing.T
	comments map[string]string // by package.Type.Field
}

func newSchemaMaker(t *testing.T) *schemaMaker {
	t.Helper()
	m := &schemaMaker{t, map[string]string{}}
	for _, dir := range []string{".", "../../pkg/receipt", "../../pkg/status", "../../pkg/prune"} {
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil || len(files) == 0 {
			t.Fatal(dir, err)
		}
		for _, name := range files {
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if spec, ok := n.(*ast.TypeSpec); ok {
					m.read(f.Name.Name, spec)
				}
				return true
			})
		}
	}
	return m
}

func (m *schemaMaker) read(pkg string, spec *ast.TypeSpec) {
	s, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, f := range s.Fields.List {
		text := f.Doc.Text()
		if text == "" {
			text = f.Comment.Text()
		}
		for _, name := range f.Names {
			m.comments[pkg+"."+spec.Name.Name+"."+name.Name] = strings.Join(strings.Fields(text), " ")
		}
	}
}

// of is the schema of a type as encoding/json writes it.
func (m *schemaMaker) of(t reflect.Type) map[string]any {
	switch t {
	case reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}
	case reflect.TypeFor[json.RawMessage]():
		return map[string]any{}
	case reflect.TypeFor[checked]():
		var each []any
		for _, c := range looked {
			each = append(each, m.of(reflect.TypeOf(c)))
		}
		return map[string]any{"anyOf": each}
	case reflect.TypeFor[receipt.Receipt](): // which has what is the function's own besides
		core := m.of(reflect.TypeFor[receipt.Core]())
		delete(core, "additionalProperties")
		return map[string]any{"anyOf": []any{map[string]any{"type": "null"}, core}}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return map[string]any{"anyOf": []any{map[string]any{"type": "null"}, m.of(t.Elem())}}
	case reflect.Struct:
		s := map[string]any{"type": "object", "properties": map[string]any{}, "required": []string{}, "additionalProperties": false}
		m.fields(t, s)
		return s
	case reflect.Slice:
		return map[string]any{"type": "array", "items": m.of(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": m.of(t.Elem())}
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return map[string]any{"type": "integer"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	}
	m.t.Fatalf("no schema for %v", t)
	return nil
}

// fields adds those of a struct, and of what is embedded in it.
func (m *schemaMaker) fields(t reflect.Type, s map[string]any) {
	for f := range t.Fields() {
		tag, tagged := f.Tag.Lookup("json")
		switch {
		case f.Anonymous && !tagged:
			m.fields(f.Type, s)
			continue
		case !f.IsExported() || tag == "-":
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		if name == "" {
			name = f.Name
		}
		one := m.of(f.Type)
		text := m.comments[path.Base(t.PkgPath())+"."+t.Name()+"."+f.Name]
		if text == "" {
			text = m.comments["main."+t.Name()+"."+f.Name]
		}
		switch {
		case text != "":
			one["description"] = strings.Replace(text, f.Name+" ", name+" ", 1)
		case t.Name() != "" && strings.HasSuffix(t.PkgPath(), "scripts/siemfeed"):
			m.t.Errorf("%s.%s has no comment, of which its description is made", t.Name(), f.Name)
		}
		s["properties"].(map[string]any)[name] = one
		if !strings.Contains(options, "omit") {
			s["required"] = append(s["required"].([]string), name)
		}
	}
}

// decodeAnswer returns the only document in text, which has to be as the schema
// says.
func decodeAnswer(t *testing.T, text string) map[string]any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	var doc map[string]any
	if err := d.Decode(&doc); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	if d.More() {
		t.Fatalf("more than a document:\n%s", text)
	}
	kind := fmt.Sprint(doc["schema"])
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(schemaOfAnswers(t)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(schemaFile, schema); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(schemaFile + "#/$defs/" + strings.ReplaceAll(kind, "/", "~1"))
	if err != nil {
		t.Fatalf("schema %q: %v", kind, err)
	}
	got, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(got); err != nil {
		t.Errorf("%#v\n%s", err, text)
	}
	return doc
}

// constants are the words that a file declares.
func constants(t *testing.T, file string, which func(name string, typ ast.Expr) bool) (words []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Values) == 1 && which(spec.Names[0].Name, spec.Type) {
			if lit, ok := spec.Values[0].(*ast.BasicLit); ok && lit.Kind == token.STRING {
				words = append(words, strings.Trim(lit.Value, `"`))
			}
		}
		return true
	})
	return words
}

// TestReadmeNamesEveryWord looks for each document, and for the words that stay
// the same: a program compares them.
func TestReadmeNamesEveryWord(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	all := func(string, ast.Expr) bool { return true }
	words := slices.Concat(
		slices.Collect(maps.Keys(documents)), exits,
		constants(t, "answer.go", func(name string, _ ast.Expr) bool { return strings.HasPrefix(name, "failed") }),
		constants(t, "../../pkg/cause/code.go", all),
		constants(t, "../../pkg/receipt/finding.go", all),
		constants(t, "../../pkg/receipt/receipt.go", func(_ string, typ ast.Expr) bool { return typ != nil }),
	)
	if len(words) < 65 {
		t.Errorf("only %q are looked for", words)
	}
	for _, word := range words {
		if !strings.Contains(string(readme), "`"+word+"`") {
			t.Errorf("README.md does not tell of %q", word)
		}
	}
}
