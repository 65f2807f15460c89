package actiontrail

import (
	"slices"
	"strings"
	"testing"
)

// What a call sets tags of is found among its parameters, however they are written,
// where the event names it nowhere else.
func TestTagged(t *testing.T) {
	const ecs = `"eventName":"TagResources","serviceName":"Ecs",`
	const tag = `"eventName":"UntagResources","serviceName":"Tag",`
	for text, want := range map[string][]string{
		ecs + `"requestParameters":{"ResourceType":"instance","RegionId":"cn-hangzhou","ResourceId.2":"i-b","ResourceId.10":"i-j","ResourceId.1":"i-a","Tag.1.Key":"k"}`: {
			"ACS::Ecs::instance i-a cn-hangzhou", "ACS::Ecs::instance i-b cn-hangzhou", "ACS::Ecs::instance i-j cn-hangzhou"},
		ecs + `"requestParameters":{"ResourceType":"disk","ResourceId":["d-a","d-b"]}`:                                    {"ACS::Ecs::disk d-a ", "ACS::Ecs::disk d-b "},
		ecs + `"requestParameters":{"ResourceType":"disk","ResourceId":"[\"d-a\",\"d-b\"]"}`:                              {"ACS::Ecs::disk d-a ", "ACS::Ecs::disk d-b "},
		ecs + `"requestParameters":{"ResourceType":"disk","ResourceIds":"d-a, d-b,"}`:                                     {"ACS::Ecs::disk d-a ", "ACS::Ecs::disk d-b "},
		ecs + `"requestParameters":"{\"ResourceType\":\"disk\",\"ResourceId.1\":\"d-a\"}"`:                                {"ACS::Ecs::disk d-a "},
		ecs + `"requestParameterJson":"{\"ResourceType\":\"disk\",\"ResourceId.1\":\"d-a\"}"`:                             {"ACS::Ecs::disk d-a "},
		ecs + `"requestParameters":{},"requestParameterJson":"{\"ResourceType\":\"disk\",\"ResourceId.1\":\"d-a\"}"`:      {"ACS::Ecs::disk d-a "},
		ecs + `"requestParameters":{"resourceType":"project","resourceId":["p"],"resource_id":["q"]}`:                     {"ACS::Ecs::project p ", "ACS::Ecs::project q "},
		ecs + `"requestParameters":{"ResourceId.1":"i-a"}`:                                                                {" i-a "},
		ecs + `"requestParameters":{"ResourceType":"ACS::ECS::Disk","ResourceId.1":17}`:                                   {"ACS::ECS::Disk 17 "},
		ecs + `"requestParameters":{"ResourceType":"disk","ResourceId.1":"d-a"},"resourceName":"x","resourceType":"T"`:    {"T x "},
		ecs + `"requestParameters":{"ResourceType":"disk","ResourceId.1":"d-a"},"referencedResources":{"T":["y"]}`:        {"T y "},
		`"eventName":"JoinResourceGroup","requestParameters":{"ResourceType":"disk","ResourceId.1":"d-a"}`:                nil,
		`"requestParameters":{"ResourceType":"disk","ResourceId.1":"d-a"},"serviceName":"Ecs","eventName":"AddTags"`:      {"ACS::Ecs::disk d-a "},
		tag + `"requestParameters":{"ResourceARN.1":"arn:acs:ecs:cn-beijing:1234:instance/i-a","RegionId":"cn-hangzhou"}`: {"ACS::ecs::instance i-a cn-beijing1234"},
		tag + `"requestParameters":{"ResourceARN":"[\"arn:acs:rds:*:*:dbinstance/rm-a\",\"arn:acs:oss:::bucket/b/c\"]","RegionId":"cn-hangzhou"}`: {
			"ACS::rds::dbinstance rm-a cn-hangzhou", "ACS::oss::bucket b/c cn-hangzhou"},
		tag + `"requestParameters":{"ResourceARN.1":"acs:ram:*:1234:user/alice"}`:                           {"ACS::ram::user alice 1234"},
		tag + `"requestParameters":{"ResourceARN":["arn:aws:x:y:z:a/b","arn:acs:ecs",7,"arn:acs:a:b:c:d"]}`: nil,
		tag + `"requestParameters":["ResourceId"]`:                                                          nil,
		tag + `"requestParameters":{"ResourceId":{"a":1},"ResourceType":[]}`:                                nil,
		tag + `"requestParameters":"no JSON","requestParameterJson":17`:                                     nil,
		tag + `"requestParameters":null`:                                                                    nil,
		tag + `"requestParameters":{"ResourceId":"","ResourceARN":""}`:                                      nil,
		tag + `"requestParameters":{"ResourceId.1":"a\u0000\ud800b","ResourceType":"\u00c4"}`:               {"ACS::Tag::Ä a\x00\ufffdb "},
	} {
		text = `{"eventId":"1",` + text + `}`
		var got []string
		for _, r := range decode(t, text).Resources {
			got = append(got, string(r.Type)+" "+string(r.Name)+" "+string(r.Region)+string(r.Account))
			if r.Own == strings.HasPrefix(string(r.Type), "T") {
				t.Errorf("%s: %+v", text, r)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n%q, want\n%q", text, got, want)
		}
	}
	// An event before it had parameters, and this one has none.
	var d Decoder
	if _, err := d.Decode([]byte(`{"eventName":"TagResources","requestParameters":{"ResourceId":"a"}}`)); err != nil {
		t.Fatal(err)
	}
	if e, err := d.Decode([]byte(`{"eventName":"TagResources","b":{"ResourceId":"bbbbbbbb"}}`)); err != nil || len(e.Resources) > 0 {
		t.Errorf("%+v, %v", e, err)
	}
}
