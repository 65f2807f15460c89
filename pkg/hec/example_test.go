package hec_test

import (
	"context"
	"fmt"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/hec"
	"github.com/siemfeed/siemfeed/pkg/hec"
)

func Example() {
	ctx := context.Background()
	splunk := emulator.New(emulator.Options{Tokens: []emulator.Token{{Value: "t0k3n"}}}).Start()
	defer splunk.Close()

	client, err := hec.New(hec.Options{URLs: []string{splunk.URL()}, Token: "t0k3n", Gzip: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = client.Close(ctx) }()

	batch, err := client.Batch(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer batch.Release()
	for i, message := range []string{`"quoted"`, "", "last"} {
		batch.Append(hec.Pos{A: 7, B: uint64(i)}, func(dst []byte) []byte {
			dst = append(dst, `{"time":`...)
			dst = hec.AppendTime(dst, 1700000000, 5, true)
			dst = append(dst, `,"event":`...)
			dst, _ = hec.AppendString(dst, message)
			return append(dst, '}')
		})
	}
	result, err := client.Send(ctx, batch)
	fmt.Println("accepted", result.Accepted, err)
	for _, r := range result.Rejected {
		fmt.Printf("rejected %d of shard %d, code %d: %s\n", r.Pos.B, r.Pos.A, r.Code, r.Event)
	}
	// Output:
	// accepted 2 <nil>
	// rejected 1 of shard 7, code 13: {"time":1700000000.000000005,"event":""}
}
