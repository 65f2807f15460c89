// Package overlap lets the stages of one stream work at the same time: a [Reader]
// reads ahead, a [Writer] writes behind, each in a goroutine of its own and a few
// buffers from who uses it.
//
//	source ─▶ unpack ─▶ Reader ─▶ convert ─▶ Writer ─▶ store
//	└─── a goroutine ─┘          └ the caller's ┘   └ a goroutine ┘
//
// Bytes keep their order, and so do errors: one from before comes behind the
// bytes that were read before it. Short streams need no goroutine and get none.
// Each has to be ended, whatever happened to the stream; after that nothing of
// it is used any more, and no goroutine is left.
package overlap
