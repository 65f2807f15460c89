package sls

import (
	"encoding/base64"
	"strconv"
)

// CursorNumber decodes a cursor: standard base64 of a decimal int64 that grows
// by one per LogGroup. The documentation calls cursors opaque, but the SDKs
// rely on this form (SDK model.go), and so does the identity of a log here. It
// returns false for any other form.
func CursorNumber(cursor string) (int64, bool) {
	b, err := base64.StdEncoding.DecodeString(cursor)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(string(b), 10, 64)
	return n, err == nil
}

// FormatCursor is the inverse of [CursorNumber].
func FormatCursor(n int64) string {
	return base64.StdEncoding.EncodeToString(strconv.AppendInt(nil, n, 10))
}

// reached tells whether a reader at cursor has read everything before end.
func reached(cursor, end string) bool {
	if cursor == end {
		return true
	}
	c, ok1 := CursorNumber(cursor)
	e, ok2 := CursorNumber(end)
	return ok1 && ok2 && c >= e
}
