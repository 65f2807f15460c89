package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/gzip"

	"github.com/siemfeed/siemfeed/pkg/objcsv"
)

// gunzipcsvFloor works through the objects in BENCH_SOURCE, to nowhere, as
// BENCH_FLOOR says: gunzip alone, the codec, or the codec as one would write it
// with the standard library. For "write" see writeFloor,
// for "verify" verifyFloor.
func gunzipcsvFloor(ctx context.Context) error {
	switch os.Getenv("BENCH_FLOOR") {
	case "write":
		return writeFloor(ctx)
	case "verify":
		return verifyFloor(ctx)
	}
	names, err := filepath.Glob(filepath.Join(os.Getenv("BENCH_SOURCE"), "*.gz"))
	if err != nil {
		return err
	}
	codec, err := objcsv.New(objcsv.Options{})
	if err != nil {
		return err
	}
	floors := map[string]func(io.Reader) error{
		"gunzip": gunzipOnly,
		"naive":  naiveCSV,
		"codec": func(r io.Reader) error {
			_, err := codec.Convert(ctx, io.Discard, r, nil)
			return err
		},
	}
	work, ok := floors[os.Getenv("BENCH_FLOOR")]
	if !ok {
		return fmt.Errorf("BENCH_FLOOR is %q", os.Getenv("BENCH_FLOOR"))
	}
	for _, name := range names {
		if err := onFile(name, work); err != nil {
			return err
		}
	}
	return nil
}

func onFile(name string, work func(io.Reader) error) error {
	f, err := os.Open(name) //nolint:gosec // in a directory of our own
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	return work(f)
}

func gunzipOnly(r io.Reader) error {
	gz, err := gzip.NewReader(bufio.NewReaderSize(r, 64<<10))
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, gz) //nolint:gosec // our own objects
	return err
}

// naiveCSV is the conversion written plainly.
func naiveCSV(r io.Reader) error {
	gz, err := gzip.NewReader(bufio.NewReaderSize(r, 64<<10))
	if err != nil {
		return err
	}
	var columns []string
	w := csv.NewWriter(io.Discard)
	dec := json.NewDecoder(gz)
	for {
		var record map[string]any
		if err := dec.Decode(&record); err == io.EOF { //nolint:errorlint // never wrapped
			w.Flush()
			return w.Error()
		} else if err != nil {
			return err
		}
		if columns == nil {
			for name := range record {
				columns = append(columns, name)
			}
		}
		row := make([]string, len(columns))
		for i, name := range columns {
			if text, ok := record[name].(string); ok {
				row[i] = text
				continue
			}
			cell, err := json.Marshal(record[name])
			if err != nil {
				return err
			}
			row[i] = string(cell)
		}
		if err := w.Write(row); err != nil {
			return err
		}
	}
}
