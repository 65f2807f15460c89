package main

import (
	"github.com/siemfeed/siemfeed/functions/trailtags"
	"github.com/siemfeed/siemfeed/pkg/config"
)

func trailtagsFunction() function {
	of := consumersOf(trailtags.Open)
	return function{
		name:      "trailtags",
		new:       trailtags.New,
		variables: config.Variables[trailtags.Config](),
		unit:      "logs",
		demo:      demoTrailtags,

		run:      command{"ActionTrail events with the tags of what they touched, to another logstore.", &runConsumer{open: of}},
		backfill: command{"Events that were received in a span of time, in a consumer group of their own.", &backfillConsumer{open: of}},
		verify:   command{"Receipts against the events in SLS, and each of their rows in the target.", &verifyConsumer{open: of}},
		doctor:   command{"Keys, both logstores, the target's index, each account's role, clock and buckets.", doctorOf(trailtags.Open)},
		replay:   command{"Rows that SLS refused.", &replayConsumer{open: of}},
		prune:    command{"Receipts, verifications, quarantine that was seen to.", pruneOf(trailtags.Open)},
	}
}
