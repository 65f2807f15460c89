package anypoint

import (
	"encoding/json"
	"slices"
)

// filter limits a query to events with one of the values in each list that is
// not empty.
type filter struct {
	Platforms      []string `json:"platforms"`
	Actions        []string `json:"actions"`
	Subactions     []string `json:"subactions"`
	UserIDs        []string `json:"userIds"`
	EnvironmentIDs []string `json:"environmentIds"`
	ObjectTypes    []string `json:"objectTypes"`
	ObjectIDs      []string `json:"objectIds"`
	ParentIDs      []string `json:"parentIds"`
}

func (f filter) all() bool {
	return len(f.Platforms)+len(f.Actions)+len(f.Subactions)+len(f.UserIDs)+len(f.EnvironmentIDs)+
		len(f.ObjectTypes)+len(f.ObjectIDs)+len(f.ParentIDs) == 0
}

func (f filter) match(l log, i int) bool {
	if f.all() {
		return true
	}
	var e struct {
		Platform, Action, Subaction, UserID, EnvironmentID string
		Objects                                            []struct{ ObjectType, ObjectID, ParentID string }
	}
	if json.Unmarshal(l.append(nil, i), &e) != nil {
		return false
	}
	var types, ids, parents []string
	for _, o := range e.Objects {
		types, ids, parents = append(types, o.ObjectType), append(ids, o.ObjectID), append(parents, o.ParentID)
	}
	return accepts(f.Platforms, e.Platform) && accepts(f.Actions, e.Action) && accepts(f.Subactions, e.Subaction) &&
		accepts(f.UserIDs, e.UserID) && accepts(f.EnvironmentIDs, e.EnvironmentID) &&
		accepts(f.ObjectTypes, types...) && accepts(f.ObjectIDs, ids...) && accepts(f.ParentIDs, parents...)
}

// accepts tells whether one of have is wanted; nothing wanted means everything.
func accepts(want []string, have ...string) bool {
	return len(want) == 0 || slices.ContainsFunc(have, func(v string) bool { return slices.Contains(want, v) })
}
