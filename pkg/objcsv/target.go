package objcsv

import "strings"

// TargetKey maps a source key to the key of its CSV: a final .gz is dropped,
// then a final .log, .json, .ndjson, .csv or .txt, and .csv is added. Folders
// and every other dot stay, so that two sources rarely meet in one target.
func TargetKey(source string) string {
	folder, name := "", source
	if i := strings.LastIndexByte(source, '/'); i >= 0 {
		folder, name = source[:i+1], source[i+1:]
	}
	name = strings.TrimSuffix(name, ".gz")
	for _, ext := range []string{".log", ".json", ".ndjson", ".csv", ".txt"} {
		if base, ok := strings.CutSuffix(name, ext); ok {
			name = base
			break
		}
	}
	return folder + name + ".csv"
}
