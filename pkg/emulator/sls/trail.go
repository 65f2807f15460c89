package sls

import (
	"encoding/json"
	"fmt"
	"time"

	sdk "github.com/aliyun/aliyun-log-go-sdk"
	"github.com/gogo/protobuf/proto"
)

// Trail returns an encoded LogGroup of n events of ActionTrail: each is one key,
// event, that holds JSON. Source: ActionTrail's page on the fields of an event,
// and SLS's on the logstore that a trail makes.
func (g *Generator) Trail(n int) []byte {
	return g.TrailOf(n, func(map[string]any) {})
}

// TrailOf is Trail with events that edit has changed.
func (g *Generator) TrailOf(n int, edit func(event map[string]any)) []byte {
	lg := &sdk.LogGroup{
		Topic: proto.String("actiontrail_audit_event"), Source: proto.String("actiontrail_internal"),
		LogTags: []*sdk.LogTag{{Key: proto.String("__receive_time__"), Value: proto.String(fmt.Sprint(g.Start.Unix()))}},
	}
	for range n {
		at := g.Start.Add(time.Duration(g.seq) * time.Millisecond)
		e := g.event(at)
		edit(e)
		event, err := json.Marshal(e)
		if err != nil {
			panic(err) // strings and numbers
		}
		lg.Logs = append(lg.Logs, &sdk.Log{
			Time:     proto.Uint32(uint32(at.Unix())), //nolint:gosec // the field's own width
			Contents: []*sdk.LogContent{{Key: proto.String("event"), Value: proto.String(string(event))}},
		})
		g.seq++
	}
	raw, err := proto.Marshal(lg)
	if err != nil {
		panic(err) // every required field is set
	}
	return raw
}

func (g *Generator) event(at time.Time) map[string]any {
	pick := func(of []string) string { return of[g.rng.IntN(len(of))] }
	when, action := at.UTC().Format(time.RFC3339), pick(actions)
	instance := fmt.Sprintf("i-bp1%015x", g.rng.Uint64()>>4)
	request := fmt.Sprintf("%016X-%08X", g.rng.Uint64(), g.rng.Uint32())
	account := fmt.Sprintf("1663%012d", g.rng.Uint64()%1e12)
	parameters := map[string]any{"MaxAmount": 1, "Tags": []any{}, "RegionId": "cn-hangzhou", "InstanceName": "größe " + pick(users)}
	text, _ := json.Marshal(parameters) // cannot fail
	return map[string]any{
		"acsRegion": "cn-hangzhou", "additionalEventData": map[string]any{"CallerBid": "26842"}, "apiVersion": "2014-05-26",
		"eventId": request, "eventName": action, "eventRW": "Write", "eventSource": "ecs-cn-hangzhou-share.aliyuncs.com",
		"eventTime": when, "eventType": "ConsoleOperation", "eventVersion": "1", "recipientAccountId": account,
		"referencedResources": map[string]any{"ACS::ECS::Instance": []string{instance}, "ACS::ECS::Image": []string{"aliyun_3_9_x64_20G.vhd"}},
		"requestId":           request, "requestParameterJson": string(text), "requestParameters": parameters,
		"responseElements": map[string]any{"InstanceIdSets": map[string]any{"InstanceIdSet": []string{instance}}},
		"resourceName":     instance, "resourceType": "ACS::ECS::Instance", "serviceName": "Ecs",
		"sourceIpAddress": fmt.Sprintf("203.0.113.%d", g.rng.IntN(250)), "userAgent": pick(agents),
		"userIdentity": map[string]any{
			"accountId": account, "principalId": fmt.Sprintf("2015%012d", g.rng.Uint64()%1e12), "type": "ram-user", "userName": pick(users),
			"sessionContext": map[string]any{"attributes": map[string]any{"mfaAuthenticated": "true", "creationDate": when}},
		},
	}
}
