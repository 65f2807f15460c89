package sls_test

import (
	"testing"

	"go.uber.org/goleak"
)

// The SDK's consumer lets its heartbeat goroutine live on for an interval
// after StopAndWait, and its debug package starts one for good.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/aliyun/aliyun-log-go-sdk/consumer.(*ConsumerHeartBeat).heartBeatRun"))
}
