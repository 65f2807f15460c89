package sls

import (
	"fmt"
	"math/rand/v2"
	"time"

	sdk "github.com/aliyun/aliyun-log-go-sdk"
	"github.com/gogo/protobuf/proto"
)

// Generator makes audit logs of the kind SLS collects, the same from the same
// seed. Each carries its own number under the key "seq".
type Generator struct {
	// Topic of the groups; "audit_log" by default.
	Topic string
	// Start is the time of the first log; a log follows every millisecond.
	Start time.Time

	rng *rand.Rand
	seq int
}

// NewGenerator returns a generator.
func NewGenerator(seed uint64) *Generator {
	return &Generator{Topic: "audit_log", Start: time.Now().Add(-time.Hour), rng: rand.New(rand.NewPCG(seed, 1))}
}

var (
	users   = []string{"alice", "bob", "山田太郎", "zoë", "root", "svc-deploy", "o'neil", `back\slash`}
	actions = []string{"RunInstances", "DeleteBucket", "CreateUser", "AttachPolicy", "ConsoleSignin", "PutObject"}
	agents  = []string{"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36", "aliyun-cli/3.0", "terraform/1.9.5", "python-requests/2.32"}
)

// Group returns an encoded LogGroup of n logs.
func (g *Generator) Group(n int) []byte {
	lg := &sdk.LogGroup{
		Topic: proto.String(g.Topic), Source: proto.String(fmt.Sprintf("10.0.%d.%d", g.rng.IntN(4), g.rng.IntN(250))),
		LogTags: []*sdk.LogTag{
			{Key: proto.String("__hostname__"), Value: proto.String(fmt.Sprintf("web-%d", g.rng.IntN(8)))},
			{Key: proto.String("__receive_time__"), Value: proto.String(fmt.Sprint(g.Start.Unix()))},
		},
	}
	for range n {
		lg.Logs = append(lg.Logs, g.log())
	}
	raw, err := proto.Marshal(lg)
	if err != nil {
		panic(err) // every required field is set
	}
	return raw
}

func (g *Generator) log() *sdk.Log {
	at := g.Start.Add(time.Duration(g.seq) * time.Millisecond)
	pick := func(of []string) string { return of[g.rng.IntN(len(of))] }
	l := &sdk.Log{Time: proto.Uint32(uint32(at.Unix()))} //nolint:gosec // the field's own width
	if g.rng.IntN(4) > 0 {
		l.TimeNs = proto.Uint32(uint32(at.Nanosecond())) //nolint:gosec // below 1e9
	}
	add := func(k, v string) {
		l.Contents = append(l.Contents, &sdk.LogContent{Key: proto.String(k), Value: proto.String(v)})
	}
	add("seq", fmt.Sprint(g.seq))
	add("eventName", pick(actions))
	add("eventTime", at.UTC().Format(time.RFC3339Nano))
	add("userName", pick(users))
	add("userAgent", pick(agents))
	add("sourceIpAddress", fmt.Sprintf("203.0.113.%d", g.rng.IntN(250)))
	add("requestId", fmt.Sprintf("%016X-%08X", g.rng.Uint64(), g.rng.Uint32()))
	add("requestParameters", fmt.Sprintf(`{"RegionId":"cn-hangzhou","InstanceIds":["i-%010x"],"note":"größe \"%d\""}`, g.rng.Uint64()>>24, g.rng.IntN(1000)))
	add("message", "配置已更改 – "+pick(actions)+" finished\tin zone cn-hangzhou-b\n")
	g.seq++
	return l
}
