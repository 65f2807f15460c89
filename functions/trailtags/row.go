package trailtags

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"unicode/utf8"

	"github.com/siemfeed/siemfeed/pkg/actiontrail"
	"github.com/siemfeed/siemfeed/pkg/alitags"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// columns are the fields that every row of an event has.
var columns = [...]struct {
	name  string
	field actiontrail.Field
}{
	{"eventId", actiontrail.ID}, {"eventName", actiontrail.Name}, {"eventRW", actiontrail.RW}, {"eventSource", actiontrail.Source},
	{"eventTime", actiontrail.Time}, {"eventType", actiontrail.Type}, {"acsRegion", actiontrail.Region}, {"serviceName", actiontrail.Service},
	{"accountId", actiontrail.AccountID}, {"principalId", actiontrail.PrincipalID}, {"userName", actiontrail.UserName}, {"userType", actiontrail.UserType},
}

// The fields that a row has of its own.
const (
	resourceType  = "resourceType"
	resourceName  = "resourceName"
	tagStatus     = "tagStatus"
	resourceIndex = "resourceIndex"
	resourceCount = "resourceCount"
)

// statusNone is the status of an event that names no resource.
const statusNone alitags.Status = "none"

// taken are the names that no tag can have: those of the row's own fields, and
// those that SLS keeps to itself (its pages on reserved fields, and on logs).
var taken = func() map[string]bool {
	names := map[string]bool{
		resourceType: true, resourceName: true, tagStatus: true, resourceIndex: true, resourceCount: true,
		"__time__": true, "__source__": true, "__topic__": true,
		"__partition_time__": true, "_extract_others_": true, "__extract_others__": true,
	}
	for _, c := range columns {
		names[c.name] = true
	}
	return names
}()

// appendCommon appends what all rows of an event hold.
func appendCommon(b []byte, e *actiontrail.Event) []byte {
	for _, c := range columns {
		b = sls.AppendContent(b, c.name, e.Get(c.field))
	}
	return b
}

// rowWriter writes rows. It belongs to one goroutine at a time.
type rowWriter struct {
	row []byte
	key []byte
}

// emit makes rows of an event whose resources have their answers, and gives them
// to the group that is being filled.
func (s *sink) emit(v *event, w *rowWriter) {
	n := len(v.resources)
	if n == 0 {
		s.add(v, 0, w.write(v, nil, alitags.Answer{Status: statusNone}, 0, s.f.cfg.TagPrefix))
		return
	}
	for i := range v.resources {
		s.add(v, i+1, w.write(v, &v.resources[i], v.answers[i], i+1, s.f.cfg.TagPrefix))
	}
}

// row is a row of an event.
type row struct {
	contents []byte
	status   alitags.Status
	clashes  int // tags that were left out
	cut      int // tags whose key was too long
}

// write writes row number index of an event.
func (w *rowWriter) write(v *event, r *actiontrail.Resource, a alitags.Answer, index int, prefix string) row {
	if r == nil {
		r = &actiontrail.Resource{}
	}
	b := append(w.row[:0], v.common...)
	b = sls.AppendContent(b, resourceType, r.Type)
	b = sls.AppendContent(b, resourceName, r.Name)
	clashes, cut := 0, 0
	for key, value := range a.Tags.All() {
		w.key = append(append(w.key[:0], prefix...), key...)
		if taken[string(w.key)] {
			clashes++
			continue
		}
		if len(w.key) > sls.MaxKeyBytes {
			cut++
			w.key = cutKey(w.key)
		}
		b = sls.AppendContent(b, w.key, value)
	}
	b = sls.AppendContent(b, tagStatus, a.Status)
	w.key = strconv.AppendInt(w.key[:0], int64(index), 10)
	b = sls.AppendContent(b, resourceIndex, w.key)
	w.key = strconv.AppendInt(w.key[:0], int64(len(v.resources)), 10)
	w.row = sls.AppendContent(b, resourceCount, w.key)
	return row{w.row, a.Status, clashes, cut}
}

// cutKey makes a key that SLS takes of a longer one: tags have keys of up to 128
// characters. What its end says a hash stands for, so that of two that begin alike
// none overwrites the other, and each is the same in every row.
func cutKey(key []byte) []byte {
	const hash = 1 + 8 // ~ and hexadecimal digits
	h := fnv.New32a()
	_, _ = h.Write(key) // cannot fail
	end := sls.MaxKeyBytes - hash
	for end > 0 && !utf8.RuneStart(key[end]) {
		end--
	}
	return fmt.Appendf(key[:end], "~%08x", h.Sum32())
}
