package main

import (
	"github.com/siemfeed/siemfeed/functions/slshec"
	"github.com/siemfeed/siemfeed/pkg/config"
)

func slshecFunction() function {
	of := consumersOf(slshec.Open)
	return function{
		name:      "slshec",
		new:       slshec.New,
		variables: config.Variables[slshec.Config](),
		unit:      "logs",
		demo:      demoSlshec,

		run:      command{"Logs of a logstore to Splunk.", &runConsumer{open: of}},
		backfill: command{"Logs that were received in a span of time, in a consumer group of their own.", &backfillConsumer{open: of}},
		verify:   command{"Receipts against the logs in SLS, shard by shard.", &verifyConsumer{open: of}},
		doctor:   command{"Key, logstore, consumer group, HEC, clock and buckets.", doctorOf(slshec.Open)},
		replay:   command{"Events that Splunk refused.", &replayConsumer{open: of}},
		prune:    command{"Receipts, verifications, quarantine that was seen to.", pruneOf(slshec.Open)},
	}
}
