package sls

import (
	"encoding/binary"
	"math/bits"
	"time"
)

// KV is a key and its value.
type KV struct{ Key, Value string }

// Entry is one log to write.
type Entry struct {
	Time     time.Time // to the nanosecond; SLS keeps seconds since 1970 in 32 bits
	Contents []KV
}

// LogGroup is a group of logs to write.
type LogGroup struct {
	Topic, Source string
	Tags          []KV
	Logs          []Entry
}

// Append appends the group's protobuf to b. Source: SDK log.proto.
func (g *LogGroup) Append(b []byte) []byte {
	for i := range g.Logs {
		e := &g.Logs[i]
		b = append(b, 1<<3|wireBytes)
		b = binary.AppendUvarint(b, uint64(e.size())) //nolint:gosec // a size
		b = e.append(b)
	}
	if g.Topic != "" {
		b = appendString(b, 3, g.Topic)
	}
	if g.Source != "" {
		b = appendString(b, 4, g.Source)
	}
	for _, t := range g.Tags {
		b = append(b, 6<<3|wireBytes)
		b = binary.AppendUvarint(b, uint64(t.size())) //nolint:gosec // a size
		b = t.append(b)
	}
	return b
}

func (e *Entry) append(b []byte) []byte {
	b = append(b, 1<<3|wireVarint)
	b = binary.AppendUvarint(b, e.seconds())
	for _, kv := range e.Contents {
		b = AppendContent(b, kv.Key, kv.Value)
	}
	if ns := e.Time.Nanosecond(); ns != 0 {
		b = append(b, 4<<3|wireFixed32)
		b = binary.LittleEndian.AppendUint32(b, uint32(ns)) //nolint:gosec // below 1e9
	}
	return b
}

func (e *Entry) seconds() uint64 { return uint64(uint32(e.Time.Unix())) } //nolint:gosec // the field has 32 bits

func (e *Entry) size() int {
	n := 1 + sizeVarint(e.seconds())
	for _, kv := range e.Contents {
		n += 1 + sizeChunk(kv.size())
	}
	if e.Time.Nanosecond() != 0 {
		n += 5
	}
	return n
}

func (kv KV) append(b []byte) []byte {
	return appendString(appendString(b, 1, kv.Key), 2, kv.Value)
}

func (kv KV) size() int { return 2 + sizeChunk(len(kv.Key)) + sizeChunk(len(kv.Value)) }

// AppendContent appends a key and its value to the contents of a log, as they
// are sent.
func AppendContent[K, V ~string | ~[]byte](b []byte, key K, value V) []byte {
	b = append(b, 2<<3|wireBytes)
	b = binary.AppendUvarint(b, uint64(2+sizeChunk(len(key))+sizeChunk(len(value)))) //nolint:gosec // a size
	return appendString(appendString(b, 1, key), 2, value)
}

func appendString[S ~string | ~[]byte](b []byte, num byte, s S) []byte {
	b = append(b, num<<3|wireBytes)
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func sizeVarint(v uint64) int { return (bits.Len64(v|1) + 6) / 7 }

func sizeChunk(n int) int { return sizeVarint(uint64(n)) + n } //nolint:gosec // a size
