package trailtags_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	cloud "github.com/siemfeed/siemfeed/pkg/emulator/alibaba"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
)

// TestATagCannotOverwriteAField of the event, whatever it is called, nor does it
// lose what it is.
func TestATagCannotOverwriteAField(t *testing.T) {
	long, value := strings.Repeat("鍵", 127), strings.Repeat("значение", 32) // of 128 and 256 characters
	tags := map[string]string{
		"eventName": "forged", "tagStatus": "forged", "resourceIndex": "9", "__time__": "1", "project": "alpha", "größe 🙂": "ß", long + "一": value, long + "二": "2", "empty": "",
		"__partition_time__": "1", "_extract_others_": "1", "__extract_others__": "1",
	}
	for prefix, left := range map[string]map[string]string{
		"tag_": {"tag_eventName": "forged", "tag_tagStatus": "forged", "tag_resourceIndex": "9", "tag___time__": "1"},
		"":     {},
		"x.":   {"x.eventName": "forged", "x.tagStatus": "forged", "x.resourceIndex": "9", "x.__time__": "1"},
	} {
		w := newWorld(t, emulator.Options{MaxKeyBytes: 128}, cloud.Options{}, map[string]string{"TAG_PREFIX": prefix})
		w.create(member, instance, "i-a", tags)
		e := w.write("StopInstance", member, instance, "i-a")
		w.put(0, e)
		r := w.drain()
		row := w.byID()[e["eventId"].(string)+"/1"]
		want(t, row, map[string]string{"eventName": "StopInstance", "tagStatus": "found", "resourceIndex": "1", "eventId": e["eventId"].(string)})
		want(t, row, map[string]string{prefix + "project": "alpha", prefix + "größe 🙂": "ß", prefix + "empty": ""})
		want(t, row, left)
		kept := map[string]string{} // of the long ones, by value
		for key, v := range row {
			if strings.HasPrefix(key, prefix+long[:60]) {
				kept[v] = key
			}
		}
		if len(kept) != 2 || kept[value] == "" || kept["2"] == "" || len(kept[value]) > 128 || !utf8.ValidString(kept[value]) || !strings.HasPrefix(kept[value], prefix+long[:108]) {
			t.Errorf("prefix %q: the long tags are %q", prefix, kept)
		}
		clashes := int64(0)
		if prefix == "" {
			clashes = 7
		}
		if r.TagClashes != clashes || r.TagKeysCut != 2 || r.RowsQuarantined != 0 {
			t.Errorf("prefix %q: %d clashes are counted, want %d: %+v", prefix, r.TagClashes, clashes, r)
		}
	}
}
