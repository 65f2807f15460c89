package objcsv

import "slices"

// value is where a field's value lies in its line: a string without its
// quotes, null as nothing.
type value struct {
	start, end int32
	flags      flags
}

// walker finds the values of one record after the other. It allocates nothing
// for a record: values are positions in the line.
type walker struct {
	fields fields
	values []value // by field number
	// What the current record adds to the counts, if it turns out well.
	duplicates, other int64
}

// walk reads one line. It returns "" and the values are set, or why the record
// is to be rejected and the position in the line.
func (w *walker) walk(line []byte) (Code, int) {
	n := len(w.fields.names)
	w.values = slices.Grow(w.values[:0], n)[:n]
	clear(w.values)
	w.duplicates, w.other = 0, 0
	i := skipSpace(line, 0)
	if line[i] != '{' {
		return notObject(line, i)
	}
	if i = w.object(line, i+1); i < 0 {
		return CodeMalformed, ^i
	}
	if i = skipSpace(line, i); i != len(line)-1 {
		return CodeMalformed, i
	}
	if w.fields.learning {
		return w.learned(), 0
	}
	return "", 0
}

// learned ends a record that was to name the columns.
func (w *walker) learned() Code {
	switch {
	case w.other > 0:
		return CodeTooManyFields
	case len(w.fields.names) == 0:
		return CodeNoFields
	}
	w.fields.lock()
	return ""
}

// object reads the members of an object behind its '{'.
func (w *walker) object(line []byte, i int) int {
	i = skipSpace(line, i)
	if line[i] == '}' {
		return i + 1
	}
	id := -1
	for {
		if line[i] != '"' {
			return ^i
		}
		var next int
		if next, i = w.fields.key(line, i+1, id); i < 0 {
			return i
		}
		if line[i] != ':' {
			if i = skipSpace(line, i); line[i] != ':' {
				return ^i
			}
		}
		var v value
		if v, i = scanValue(line, skipSpace(line, i+1)); i < 0 {
			return i
		}
		if next == tooMany {
			w.other++
		} else {
			id = next
			w.set(id, v)
		}
		switch i = skipSpace(line, i); line[i] {
		case ',':
			i = skipSpace(line, i+1)
		case '}':
			return i + 1
		default:
			return ^i
		}
	}
}

func (w *walker) set(id int, v value) {
	for id >= len(w.values) { // a name new in this record
		w.values = append(w.values, value{})
	}
	if w.values[id].flags != 0 {
		w.duplicates++
	}
	w.values[id] = v
}

func scanValue(line []byte, i int) (value, int) {
	start := i
	var f flags
	switch line[i] {
	case '"':
		start++
		if i, f = scanString(line, start); i < 0 {
			return value{}, i
		}
		return value{int32(start), int32(i), f | isPresent}, i + 1
	case '{', '[':
		i, f = scanNested(line, i, 2)
	case 'n':
		if i = scanLiteral(line, i, "null"); i >= 0 {
			start = i // an empty cell
		}
	default:
		i = scanScalar(line, i)
	}
	return value{int32(start), int32(i), f | isPresent}, i
}

func notObject(line []byte, i int) (Code, int) {
	_, end := scanValue(line, i)
	if end < 0 {
		return CodeMalformed, ^end
	}
	if end = skipSpace(line, end); end != len(line)-1 {
		return CodeMalformed, end
	}
	return CodeNotObject, i
}

// commit adds a good record to the counts.
func (w *walker) commit() (duplicates int64) {
	f := &w.fields
	for i := f.cols; i < len(w.values); i++ {
		if w.values[i].flags != 0 {
			f.counts[i-f.cols]++
		}
	}
	f.other += w.other
	return w.duplicates
}
