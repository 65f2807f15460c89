package deflate

import (
	"bytes"
	stdgzip "compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/gzip"
	"pgregory.net/rapid"
)

// unpack reads a gzip member with the standard library, which has nothing in
// common with what wrote it.
func unpack(t testing.TB, packed []byte) []byte {
	t.Helper()
	in := bytes.NewReader(packed)
	z, err := stdgzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	z.Multistream(false)
	body, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if in.Len() > 0 {
		t.Fatalf("%d bytes after the member", in.Len())
	}
	return body
}

// logs are n lines like those of an audit log, and where their parts were
// written before.
func logs(n int) (body []byte, hints []Hint) {
	r := rand.New(rand.NewPCG(1, 2))
	last := map[string]int{}
	write := func(part, value string) {
		if from, ok := last[part]; ok {
			hints = append(hints, Hint{uint32(len(body)), uint32(from)}) //nolint:gosec // small
		}
		last[part] = len(body)
		body = append(append(body, part...), value...)
	}
	for i := range n {
		write(`{"time":`, fmt.Sprintf("%d.%09d", 1700000000+i/10, r.IntN(1e9)))
		write(`,"host":"10.0.0.1","event":{"requestId":"`, fmt.Sprintf("%016X-%08X", r.Uint64(), r.Uint32()))
		write(`","eventName":"`, []string{"RunInstances", "DeleteBucket", "CreateUser", "AttachPolicy", "ConsoleSignin"}[r.IntN(5)])
		write(`","userAgent":"`, []string{"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36", "terraform/1.9.5"}[r.IntN(2)])
		write(`","sourceIpAddress":"`, fmt.Sprintf("203.0.113.%d", r.IntN(250)))
		write(`","message":"`, fmt.Sprintf("配置已更改 – instance i-%010x in zone cn-hangzhou-b", r.Uint64()>>24))
		write(`","__topic__":"audit_log"},"fields":{"sls_logstore":"logstore","sls_id":"0:`, fmt.Sprint(i))
		write(`"}}`+"\n", "")
	}
	return body, hints
}

func random(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{1})
	_, _ = r.Read(b) // never fails
	return b
}

func TestRoundTrip(t *testing.T) {
	logs, hints := logs(3000)
	far := append(random(window+1), random(window+1)...)
	for name, body := range map[string][]byte{
		"empty": nil, "one byte": {'x'}, "few bytes": []byte("abcdefg"), "eight bytes": []byte("abcabcab"),
		"logs": logs, "random": random(300_000), "one byte over and over": bytes.Repeat([]byte{'a'}, 1_000_000),
		"repeats at the window's edge": append(far, random(window)...),
		"a sample":                     logs[:sample], "a sample and a chunk": logs[:sample+chunk+ahead], "text then bytes": append(bytes.Clone(logs[:100_000]), random(100_000)...),
	} {
		t.Run(name, func(t *testing.T) {
			var e Encoder
			for _, step := range []int{1 << 30, 600, 100_000} {
				e.Reset()
				e.Hint(hints) // right for the logs, wrong for the others
				for n := 0; n < len(body); n += step {
					e.Grow(body[:n])
				}
				if got := unpack(t, e.Finish(body)); !bytes.Equal(got, body) {
					t.Fatalf("in steps of %d: %d bytes became %d", step, len(body), len(got))
				}
			}
		})
	}
}

// Whatever was packed before, and in whatever steps a body is handed over.
func TestSameBodySameBytes(t *testing.T) {
	body, _ := logs(1000)
	var e Encoder
	e.Reset()
	want := bytes.Clone(e.Finish(body))
	e.Reset()
	e.Finish(random(100_000))
	e.Reset()
	for n := range len(body) / 999 {
		e.Grow(body[:999*n])
	}
	got := e.Finish(body)
	if unpack(t, got); !bytes.Equal(got[:len(got)/2], want[:len(got)/2]) {
		t.Error("packed otherwise than the first time")
	}
}

// fuzzed packs a body made of what a fuzzer gives: with hints of every kind, most
// of them wrong, and growing in odd steps.
func fuzzed(text []byte, seed uint64, step uint16) (body, packed []byte) {
	r := rand.New(rand.NewPCG(seed, 1))
	body = blowUp(r, text)
	var e Encoder
	e.Reset()
	at := 0
	for range r.IntN(1000) {
		if at += r.IntN(100); r.IntN(20) == 0 {
			at = r.IntN(2*len(body) + 1) // out of order
		}
		e.Hint([]Hint{{uint32(at), uint32(r.IntN(at + 10))}}) //nolint:gosec // small
	}
	for n := 0; n < len(body); n += 1 + int(step) {
		e.Grow(body[:n])
	}
	return body, e.Finish(body)
}

func seeds(f *testing.F) {
	f.Add([]byte(`{"time":1700000000.123456789,"host":"10.0.0.1"}`), uint64(1), uint16(100))
	f.Add([]byte("abcdefgh"), uint64(2), uint16(7))
	f.Add(random(300), uint64(3), uint16(60_000))
	f.Add([]byte("配置已更改"), uint64(4), uint16(1))
}

func FuzzEncoder(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text []byte, seed uint64, step uint16) {
		body, packed := fuzzed(text, seed, step)
		if !bytes.Equal(unpack(t, packed), body) {
			t.Error("the body came back as another")
		}
		if most := len(body) + len(body)/8 + maxHeader; len(packed) > most {
			t.Errorf("%d bytes became %d", len(body), len(packed))
		}
	})
}

// blowUp makes a body of pieces of text and of bytes by chance, at times longer
// than a sample: the inputs of a fuzzer are short.
func blowUp(r *rand.Rand, text []byte) (body []byte) {
	for n := r.IntN(2 * sample); len(body) < n; {
		switch from := r.IntN(len(text) + 1); r.IntN(8) {
		case 0:
			for range r.IntN(200) {
				body = append(body, byte(r.Uint32()))
			}
		case 1: // far repeats
			at := r.IntN(len(body) + 1)
			body = append(body, body[at:min(len(body), at+r.IntN(1000))]...)
		default:
			body = append(append(body, text[from:]...), ' ')
		}
	}
	return body
}

// general packs body with a general compressor at its fastest.
func general(t testing.TB, body []byte) int {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err == nil {
		_, err = z.Write(body)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Len()
}

func TestPacksAsWellAsAGeneralCompressor(t *testing.T) {
	body, hints := logs(3000)
	for _, tc := range []struct {
		name  string
		hints []Hint
		most  float64
	}{{"with hints", hints, 1.02}, {"without", nil, 1.06}} {
		var e Encoder
		e.Reset()
		e.Hint(tc.hints)
		ratio := float64(len(e.Finish(body))) / float64(general(t, body))
		t.Logf("%s: %.3f of a general compressor's size", tc.name, ratio)
		if ratio > tc.most {
			t.Errorf("%s: %.3f of a general compressor's size, want at most %.2f", tc.name, ratio, tc.most)
		}
	}
}

// A code made for one kind of text is given up when another follows.
func TestCodeFollowsTheBody(t *testing.T) {
	english, _ := logs(400)
	var other []byte
	r := rand.New(rand.NewPCG(7, 7))
	for len(other) < 400_000 {
		other = append(other, string(rune('Ѐ'+r.IntN(200)))...)
	}
	size := func(body []byte) int {
		var e Encoder
		e.Reset()
		return len(e.Finish(body))
	}
	apart, together := size(english)+size(other), size(append(english, other...))
	if together > apart+apart/20 {
		t.Errorf("%d bytes together, %d apart", together, apart)
	}
}

func TestPackingAllocatesNothing(t *testing.T) {
	body, hints := logs(2000)
	var e Encoder
	pack := func() {
		e.Reset()
		e.Hint(hints)
		e.Finish(body)
	}
	pack()
	if n := testing.AllocsPerRun(10, pack); n > 0 {
		t.Errorf("%v allocations a body", n)
	}
}

// What packs to nothing takes no room either.
func TestRoomIsForWhatIsWritten(t *testing.T) {
	var e Encoder
	e.Reset()
	body := bytes.Repeat([]byte{'a'}, 4<<20)
	if out := e.Finish(body); cap(out) > len(body)/8 {
		t.Errorf("%d bytes are held for %d", cap(out), len(out))
	}
}

func TestHuffman(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.SampledFrom([]int{7, 15}).Draw(t, "limit")
		most := map[int]int{7: numPacked, 15: numLits}[limit]
		freq := rapid.SliceOfN(rapid.OneOf(rapid.Uint32Range(0, 3), rapid.Uint32Range(0, 1<<24)), 1, most).Draw(t, "freq")
		checkHuffman(t, freq, limit)
	})
}

// The longest codes there are, which the limit cuts.
func TestHuffmanLimit(t *testing.T) {
	for n := 2; n < 40; n++ {
		freq := []uint32{1, 1}
		for len(freq) < n {
			freq = append(freq, freq[len(freq)-1]+freq[len(freq)-2])
		}
		checkHuffman(t, freq, 15)
		if n <= numPacked {
			checkHuffman(t, freq, 7)
		}
	}
}

func checkHuffman(t rapid.TB, freq []uint32, limit int) {
	codes := make([]code, len(freq))
	build(codes, freq, limit)
	kraft, cost, symbols := 0, uint64(0), 0
	seen := map[[2]uint]bool{}
	for i, c := range codes {
		if freq[i] == 0 {
			if c.len() > 0 && symbols > 0 {
				t.Fatalf("symbol %d does not occur and has a code", i)
			}
			continue
		}
		symbols++
		if c.len() == 0 || c.len() > uint(limit) {
			t.Fatalf("a code of %d bits", c.len())
		}
		kraft += 1 << (uint(limit) - c.len())
		cost += uint64(freq[i]) * uint64(c.len())
		for n := uint(1); n <= c.len(); n++ { // no code begins with another
			if seen[[2]uint{n, c.bits() & (1<<n - 1)}] {
				t.Fatalf("code %b of %d bits is taken", c.bits(), c.len())
			}
		}
		seen[[2]uint{c.len(), c.bits()}] = true
	}
	if symbols > 1 && kraft != 1<<limit {
		t.Fatalf("the codes take %d of %d", kraft, 1<<limit)
	}
	best, depth := optimal(freq)
	if depth <= limit && symbols > 1 && cost != best {
		t.Fatalf("%d bits, the best is %d", cost, best)
	}
}

// optimal is Huffman's method, word for word: what the best code costs, and how
// long its longest code is at most.
func optimal(freq []uint32) (cost uint64, depth int) {
	type node struct {
		weight uint64
		depth  int
	}
	var all []node
	for _, f := range freq {
		if f > 0 {
			all = append(all, node{uint64(f), 0})
		}
	}
	take := func() node {
		least := 0
		for i, n := range all {
			if n.weight < all[least].weight {
				least = i
			}
		}
		n := all[least]
		all = append(all[:least], all[least+1:]...)
		return n
	}
	for len(all) > 1 {
		a, b := take(), take()
		n := node{a.weight + b.weight, max(a.depth, b.depth) + 1}
		cost += n.weight
		all = append(all, n)
	}
	if len(all) == 0 {
		return 0, 0
	}
	return cost, all[0].depth
}

// BenchmarkPack packs logs as a batch is filled; beside it a general compressor.
func BenchmarkPack(b *testing.B) {
	body, hints := logs(2500)
	b.Run("hints", func(b *testing.B) { benchmarkPack(b, body, hints) })
	b.Run("no hints", func(b *testing.B) { benchmarkPack(b, body, nil) })
	b.Run("general", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		z, err := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed)
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			z.Reset(io.Discard)
			if _, err := z.Write(body); err != nil {
				b.Fatal(err)
			}
			if err := z.Close(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func benchmarkPack(b *testing.B, body []byte, hints []Hint) {
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	var e Encoder
	for b.Loop() {
		e.Reset()
		k := 0
		for n := 0; n < len(body); n += 600 {
			from := k
			for k < len(hints) && int(hints[k].At) < n {
				k++
			}
			e.Hint(hints[from:k])
			e.Grow(body[:n])
		}
		e.Finish(body)
	}
}
