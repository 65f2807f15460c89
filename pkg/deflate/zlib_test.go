package deflate

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"testing"
)

// zlib reads gzip members from its input, each after its length, and answers
// each with 1 or 0, for whether zlib takes it and nothing follows it, and with
// the SHA-256 of what it holds. It is strict: a wrong checksum or length, a code
// that is not complete, a distance beyond the beginning are refused.
const zlib = `
import hashlib, struct, sys, zlib
i, o = sys.stdin.buffer, sys.stdout.buffer
while True:
    n = i.read(4)
    if len(n) < 4:
        break
    d = zlib.decompressobj(31)
    try:
        body = d.decompress(i.read(struct.unpack(">I", n)[0])) + d.flush()
        ok = d.eof and not d.unused_data
    except zlib.error:
        body, ok = b"", False
    o.write(bytes([ok]) + hashlib.sha256(body).digest())
    o.flush()
`

// startZlib returns what unpacks with zlib itself, by way of Python, and tells
// whether that is body.
func startZlib(t testing.TB) func(packed, body []byte) error {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3")
	}
	cmd := exec.CommandContext(t.Context(), python, "-c", zlib)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait() // it may have been killed, with the test's context
	})
	answers := bufio.NewReader(out)
	return func(packed, body []byte) error {
		if _, err := in.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(packed))), packed...)); err != nil { //nolint:gosec // small
			return err
		}
		var answer [1 + sha256.Size]byte
		if _, err := io.ReadFull(answers, answer[:]); err != nil {
			return err
		}
		want := sha256.Sum256(body)
		switch {
		case answer[0] == 0:
			return fmt.Errorf("zlib refuses %d bytes that were made of %d", len(packed), len(body))
		case !bytes.Equal(answer[1:], want[:]):
			return fmt.Errorf("zlib makes another body of %d bytes than the %d they were made of", len(packed), len(body))
		}
		return nil
	}
}

// What zlib makes of a packed body is the body: most receivers unpack with it.
func FuzzZlib(f *testing.F) {
	seeds(f)
	check := startZlib(f)
	f.Fuzz(func(t *testing.T, text []byte, seed uint64, step uint16) {
		body, packed := fuzzed(text, seed, step)
		if err := check(packed, body); err != nil {
			t.Error(err)
		}
	})
}

// Many bodies of every kind, without a fuzzer.
func TestZlib(t *testing.T) {
	check := startZlib(t)
	r := rand.New(rand.NewPCG(5, 5))
	lines, hints := logs(3000)
	for range 300 {
		text := lines[r.IntN(len(lines)-1000):][:r.IntN(1000)]
		if r.IntN(4) == 0 {
			text = random(1 + r.IntN(300))
		}
		body, packed := fuzzed(text, r.Uint64(), uint16(r.IntN(1<<16))) //nolint:gosec // in range
		if err := check(packed, body); err != nil {
			t.Fatal(err)
		}
	}
	var e Encoder
	e.Reset()
	e.Hint(hints)
	if err := check(e.Finish(lines), lines); err != nil {
		t.Fatal(err)
	}
	e.Reset()
	packed := e.Finish(nil) // the check itself: a checksum that is wrong
	packed[len(packed)-8] ^= 1
	if check(packed, nil) == nil {
		t.Error("a wrong checksum is not noticed")
	}
}
