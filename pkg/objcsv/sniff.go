package objcsv

import "bytes"

var bom = []byte("\ufeff")

// sniff tells CSV from NDJSON by the start of the decompressed bytes. CSV may
// well start with '{' (a GUID, say), so one brace is not enough. But where only
// the first records are broken, the lines behind them still tell.
func sniff(window []byte) Format {
	if len(window) == 0 {
		return FormatEmpty
	}
	for line := range bytes.Lines(bytes.TrimPrefix(window, bom)) {
		line = bytes.TrimLeft(line, " \t\r\n")
		switch {
		case len(line) == 0:
		case line[0] != '{':
			return FormatCSV
		case startsObject(line):
			return FormatNDJSON
		}
	}
	return FormatCSV
}

// isArray tells whether what starts so is one JSON array of objects: neither CSV nor
// NDJSON. Logpush writes one where its batch_prefix is [.
func isArray(window []byte) bool {
	start := bytes.TrimLeft(bytes.TrimPrefix(window, bom), " \t\r\n")
	if len(start) == 0 || start[0] != '[' {
		return false
	}
	first := bytes.TrimLeft(start[1:], " \t\r\n")
	return len(first) > 0 && first[0] == '{' && startsObject(first)
}

func startsObject(line []byte) bool {
	rest := bytes.TrimLeft(line[1:], " \t\r\n")
	return len(rest) == 0 || rest[0] == '"' || rest[0] == '}'
}

// lineEnd returns the end of the first line of CSV: "\r\n" or "\n". A line end
// inside a quoted first row could mislead it, to no harm.
func lineEnd(window []byte) string {
	if i := bytes.IndexByte(window, '\n'); i > 0 && window[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}
