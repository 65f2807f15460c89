package trailtags

import (
	"cmp"
	"context"
	"time"
	"unsafe"

	"github.com/siemfeed/siemfeed/pkg/actiontrail"
	"github.com/siemfeed/siemfeed/pkg/alitags"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
	"github.com/siemfeed/siemfeed/pkg/sls"
	"github.com/siemfeed/siemfeed/pkg/sls/consume"
)

// event is an event that becomes rows.
type event struct {
	src     *source
	at      consume.Row // Row is not set
	time    time.Time   // to write it with
	retimed bool        // since it cannot be written with its own
	common  []byte      // what all of its rows hold

	resources []actiontrail.Resource
	account   string
	region    string
	change    alitags.Event    // what it does to the resources
	answers   []alitags.Answer // one for each
}

// trailKey is the key under which a trail writes an event.
const trailKey = "event"

// take takes one log of a page: it is counted, set aside, or becomes rows.
func (s *sink) take(ctx context.Context, r *reader, src *source) error {
	text, found := eventOf(r.log.Contents)
	if !found {
		r.counts.Filtered++
		r.tally[noEvent]++
		return nil
	}
	at := consume.Row{Cursor: r.group.Cursor, Index: r.log.Index}
	e, err := r.decoder.Decode(text)
	if err != nil {
		r.counts.Quarantined++
		return src.page.Quarantine(ctx, at, quarantine.Entry{Reason: "the value of the key event is not a JSON object", Code: codeNotJSON}, text)
	}
	if as, drop := s.f.filter.drops(e); drop {
		r.counts.Filtered++
		r.tally[as]++
		return nil
	}
	v := &r.event
	v.src, v.at = src, at
	v.read(e, &r.log, r.now)
	if s.known(v) {
		s.emit(v, &r.rows)
		return nil
	}
	return s.wait(ctx, v)
}

// codeNotJSON is the code of what is no event, in quarantine.
const codeNotJSON = "not_json"

func eventOf(contents []sls.Field) (text []byte, found bool) {
	for i := range contents {
		if string(contents[i].Key) == trailKey {
			return contents[i].Value, true
		}
	}
	return nil, false
}

// read takes over what e says. It stays valid as long as e does.
func (v *event) read(e *actiontrail.Event, l *sls.Log, now time.Time) {
	own, err := time.Parse(time.RFC3339, view(e.Get(actiontrail.Time)))
	if err != nil {
		own = time.Unix(int64(l.Time), 0)
	}
	v.time, v.retimed = sls.PutTime(own, now)
	v.common = appendCommon(v.common[:0], e)
	v.resources = e.Resources
	for i := range v.resources {
		v.resources[i].Type = typeOf(v.resources[i])
	}
	v.account, v.region = view(e.Account()), view(e.Get(actiontrail.Region))
	v.change = alitags.Event{Name: view(e.Get(actiontrail.Name)), Time: own, Failed: len(e.Get(actiontrail.ErrorCode)) > 0}
}

// typeOf is the type of a resource as rows have it.
func typeOf(r actiontrail.Resource) []byte {
	if r.Own {
		return []byte(alitags.TypeOf(string(r.Type)))
	}
	return r.Type
}

// resource is what resource number i is looked up as.
func (v *event) resource(i int) alitags.Resource {
	r := v.resources[i]
	return alitags.Resource{Account: cmp.Or(view(r.Account), v.account), Region: cmp.Or(view(r.Region), v.region), Type: view(r.Type), ID: view(r.Name)}
}

// known fills in the answers that are known, and tells whether all are.
func (s *sink) known(v *event) bool {
	v.answers = v.answers[:0]
	all := true
	for i := range v.resources {
		a, ok := s.f.tags.Known(v.resource(i), v.change)
		if !ok {
			a, all = alitags.Answer{}, false
		}
		v.answers = append(v.answers, a)
	}
	return all
}

// view reads bytes as a string without copying them. The string is not to outlive
// them: the tag client copies what it keeps.
func view(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b)) // #nosec G103 -- see above
}
