package anypoint

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

var (
	platforms = []string{"Runtime Manager", "Anypoint MQ", "CoreServices", "api-platform-api", "Exchange", "Design Center"}
	actions   = []string{"Create", "Edit", "Delete", "Login", "Logout", "Deploy", "Start", "Stop"}
	users     = []string{"jane.doe", "Jürgen Groß", "山田太郎", "олена", "Anypoint Staff", "o'brien \"ob\"", "zoë\u2028lines"}
)

// Generated says what [Generate] makes.
type Generated struct {
	Seed     uint64
	N        int
	From, To time.Time // events lie in [From, To)
	// Large is how many bytes of payload every LargeEvery-th event has.
	Large, LargeEvery int
}

// Generate makes up entries as the platform writes them: names in several
// scripts, nested payloads, integers beyond 2^53, escapes, some with white space
// between tokens, several in one millisecond. They are in order of time, each
// one different from all others, and the same for the same input.
func Generate(org string, g Generated) []Event {
	rng := rand.New(rand.NewPCG(g.Seed, 1)) // #nosec G404 -- made to be repeated
	span := g.To.UnixMilli() - g.From.UnixMilli()
	out := make([]Event, g.N)
	var ms int64
	for i := range out {
		if i == 0 || rng.IntN(4) > 0 { // else in the same millisecond as the one before
			ms = g.From.UnixMilli() + span*int64(i)/int64(g.N)
		}
		large := 0
		if g.LargeEvery > 0 && i%g.LargeEvery == g.LargeEvery-1 {
			large = g.Large
		}
		raw := entryJSON(rng, org, i, ms, large)
		if rng.IntN(8) == 0 {
			var spaced bytes.Buffer
			if err := json.Indent(&spaced, raw, "", "  "); err != nil {
				panic(fmt.Sprintf("generated entry is not JSON: %v\n%s", err, raw))
			}
			raw = spaced.Bytes()
		}
		out[i] = Event{Time: time.UnixMilli(ms), Raw: raw}
	}
	return out
}

func entryJSON(rng *rand.Rand, org string, i int, ms int64, large int) []byte {
	var b bytes.Buffer
	user, platform := users[rng.IntN(len(users))], platforms[rng.IntN(len(platforms))]
	fmt.Fprintf(&b, `{"timestamp":%d,"userId":"u-%d","userName":%s,"action":%q,"platform":%q,`,
		ms, rng.IntN(1000), quote(user), actions[rng.IntN(len(actions))], platform)
	fmt.Fprintf(&b, `"organizationId":%s,"environmentId":"env-%d","clientIP":"203.0.113.%d",`, quote(org), rng.IntN(5), rng.IntN(256))
	fmt.Fprintf(&b, `"objects":[{"objectId":"%d","objectName":"app-%d","objectType":"Application","parentId":null}],`, i, rng.IntN(100))
	// The ids are beyond what a float64 holds, and 1.0e2 is not what Go would write.
	fmt.Fprintf(&b, `"payload":{"properties":{"sequence":%d,"bigId":9%018d,"ratio":1.0e2,"escaped":"\u00e9\/\ud83d\ude00","nested":[[{"timestamp":1,"a":{"b":[]}}],true,null]}`,
		i, rng.Int64N(1e18))
	if large > 0 {
		fmt.Fprintf(&b, `,"policy":%s`, quote(strings.Repeat("0123456789 αβγ\t", large/18+1)))
	}
	b.WriteString(`}}`)
	return b.Bytes()
}

func quote(s string) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always encodes
	}
	return b
}

// appendSynthetic makes event i of a synthetic log, of some 400 bytes.
func appendSynthetic(buf []byte, org string, seed uint64, i int, ms int64) []byte {
	h := (seed + uint64(i) + 1) * 0x9e3779b97f4a7c15 // Fibonacci hashing spreads the index
	h ^= h >> 29
	buf = append(buf, `{"timestamp":`...)
	buf = strconv.AppendInt(buf, ms, 10)
	buf = append(buf, `,"userId":"u-`...)
	buf = strconv.AppendUint(buf, h%1000, 10)
	buf = append(buf, `","userName":"Zoë Müller","action":"`...)
	buf = append(buf, actions[h>>8%uint64(len(actions))]...)
	buf = append(buf, `","platform":"`...)
	buf = append(buf, platforms[h>>16%uint64(len(platforms))]...)
	buf = append(buf, `","organizationId":"`...)
	buf = append(buf, org...)
	buf = append(buf, `","environmentId":"env-1","objects":[{"objectId":"`...)
	buf = strconv.AppendInt(buf, int64(i), 10)
	buf = append(buf, `","objectName":"orders-api","objectType":"Application","parentId":null}],"payload":{"properties":{"sequence":`...)
	buf = strconv.AppendInt(buf, int64(i), 10)
	buf = append(buf, `,"bigId":`...)
	buf = strconv.AppendUint(buf, h|1<<63, 10)
	buf = append(buf, `,"workers":{"type":"MICRO","amount":1},"domain":"orders.example.com"}},"clientIP":"203.0.113.9"}`...)
	return buf
}
