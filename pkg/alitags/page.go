package alitags

import (
	"encoding/json"
	"errors"
)

// page is an answer of any ListTagResources. Below TagResources the Tag service
// has a list of resources with their tags, ECS and SLB an object with a list of
// single tags.
type page struct {
	RequestID    string `json:"RequestId"`
	NextToken    string
	TagResources json.RawMessage
}

// rows decodes what the page says.
func (p *page) rows(api service) ([]row, error) {
	switch {
	case p.TagResources == nil && p.RequestID == "":
		return nil, errors.New("nothing that it should have") // not: no tags
	case p.TagResources == nil || string(p.TagResources) == "null":
		return nil, nil
	case api == tagAPI:
		return byARN(p.TagResources)
	}
	var list struct {
		TagResource []struct {
			ResourceID string `json:"ResourceId"`
			TagKey     string
			TagValue   string
			Category   string
		}
	}
	if err := json.Unmarshal(p.TagResources, &list); err != nil {
		return nil, err
	}
	rows := make([]row, 0, len(list.TagResource))
	for _, t := range list.TagResource {
		rows = append(rows, row{t.ResourceID, t.TagKey, t.TagValue, t.Category == "System" || isSystem(t.TagKey)})
	}
	return rows, nil
}

// byARN decodes the Tag service's list.
func byARN(raw json.RawMessage) ([]row, error) {
	var list []struct {
		ResourceARN string
		Tags        []struct{ Key, Value, Category string }
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, err
	}
	var rows []row
	for _, r := range list {
		id := idOf(r.ResourceARN)
		for _, t := range r.Tags {
			system := t.Category == "System" || t.Category == "" && isSystem(t.Key)
			rows = append(rows, row{id, t.Key, t.Value, system})
		}
	}
	return rows, nil
}
