package trailtags_test

import (
	"strings"
	"testing"

	cloud "github.com/siemfeed/siemfeed/pkg/emulator/alibaba"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
)

// TestATagCannotOverwriteAField of the event, whatever it is called, nor does it
// lose what it is.
func TestATagCannotOverwriteAField(t *testing.T) {
	long, value := strings.Repeat("鍵", 128), strings.Repeat("значение", 32)
	tags := map[string]string{
		"eventName": "forged", "tagStatus": "forged", "resourceIndex": "9", "__time__": "1", "project": "alpha", "größe 🙂": "ß", long: value, "empty": "",
	}
	for prefix, left := range map[string]map[string]string{
		"tag_": {"tag_eventName": "forged", "tag_tagStatus": "forged", "tag_resourceIndex": "9", "tag___time__": "1"},
		"":     {},
		"x.":   {"x.eventName": "forged", "x.tagStatus": "forged", "x.resourceIndex": "9", "x.__time__": "1"},
	} {
		w := newWorld(t, emulator.Options{}, cloud.Options{}, map[string]string{"TAG_PREFIX": prefix})
		w.create(member, instance, "i-a", tags)
		e := w.write("StopInstance", member, instance, "i-a")
		w.put(0, e)
		r := w.drain()
		row := w.byID()[e["eventId"].(string)+"/1"]
		want(t, row, map[string]string{"eventName": "StopInstance", "tagStatus": "found", "resourceIndex": "1", "eventId": e["eventId"].(string)})
		want(t, row, map[string]string{prefix + "project": "alpha", prefix + "größe 🙂": "ß", prefix + long: value, prefix + "empty": ""})
		want(t, row, left)
		clashes := int64(0)
		if prefix == "" {
			clashes = 4
		}
		if r.TagClashes != clashes {
			t.Errorf("prefix %q: %d clashes are counted, want %d", prefix, r.TagClashes, clashes)
		}
	}
}
