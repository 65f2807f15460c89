package sls

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// However a page is cut, its pieces join, hold its groups in order under the
// same cursors, and give its bytes back when the last of them is released.
func TestPiecesMakeThePage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var raw []byte
		n := rapid.IntRange(1, 30).Draw(t, "groups")
		for range n {
			size := rapid.IntRange(0, 300).Draw(t, "size")
			g := LogGroup{Topic: string(bytes.Repeat([]byte("x"), size)), Logs: []Entry{{}}}
			body := g.Append(nil)
			raw = append(raw, 1<<3|wireBytes)
			raw = appendUvarint(raw, len(body))
			raw = append(raw, body...)
		}
		pool := newBuffers(1 << 20)
		buf, other, err := pool.get(t.Context(), len(raw), 1)
		if err != nil {
			t.Fatal(err)
		}
		pool.put(other)
		copy(buf.b, raw)
		p := &Page{Shard: 3, Cursor: FormatCursor(100), Next: FormatCursor(int64(100 + n)), Count: n, Raw: buf.b[:len(raw)], first: 100, counted: true, buf: buf, pool: pool}
		most := rapid.IntRange(0, 1000).Draw(t, "most")
		pieces := p.pieces(most)
		at, next := p.Cursor, int64(100)
		for i, piece := range pieces {
			if piece.Cursor != at || piece.Shard != 3 {
				t.Fatalf("piece %d begins at %s, the one before ended at %s", i, piece.Cursor, at)
			}
			at = piece.Next
			groups := piece.Groups()
			var g Group
			count := 0
			for groups.Next(&g) {
				if g.Cursor != next {
					t.Fatalf("group %d bears cursor %d", next, g.Cursor)
				}
				next++
				count++
			}
			if groups.Err() != nil || count != piece.Count {
				t.Fatalf("piece %d: %d groups, %v", i, count, groups.Err())
			}
		}
		if at != p.Next || next != int64(100+n) {
			t.Fatalf("the pieces end at %s", at)
		}
		for i, piece := range pieces {
			if p.Raw == nil {
				t.Fatalf("the page was given back with %d pieces in use", len(pieces)-i)
			}
			piece.Release()
		}
		if p.Raw != nil {
			t.Fatal("the page was not given back")
		}
	})
}

func appendUvarint(b []byte, n int) []byte {
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}
