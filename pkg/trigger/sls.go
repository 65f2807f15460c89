package trigger

import "time"

// LogRange is what the SLS trigger of Function Compute asks to be read: the
// logs of one shard from Begin up to, not including, End
// (alibabacloud.com/help/en/functioncompute, "Simple Log Service triggers").
type LogRange struct {
	// Endpoint is the project's, with its scheme, as the trigger gives it.
	Endpoint string
	Project  string
	Logstore string
	Shard    int
	// Begin and End are opaque cursors.
	Begin, End string
	// Job and Task name the trigger and this range: a redelivery has the same Task.
	Job, Task string
	// Time is the receive time of the last log in the range.
	Time time.Time
}

func slsTrigger(body []byte) (Event, error) {
	const envelope = "SLS trigger"
	var t struct {
		Source struct {
			Endpoint     string `json:"endpoint"`
			ProjectName  string `json:"projectName"`
			LogstoreName string `json:"logstoreName"`
			ShardID      *int   `json:"shardId"`
			BeginCursor  string `json:"beginCursor"`
			EndCursor    string `json:"endCursor"`
		} `json:"source"`
		JobName    string `json:"jobName"`
		TaskID     string `json:"taskId"`
		CursorTime int64  `json:"cursorTime"`
	}
	if err := unmarshal(envelope, body, &t); err != nil {
		return Event{}, err
	}
	s := t.Source
	for _, f := range []struct{ name, value string }{
		{"projectName", s.ProjectName}, {"logstoreName", s.LogstoreName},
		{"beginCursor", s.BeginCursor}, {"endCursor", s.EndCursor},
	} {
		if f.value == "" {
			return Event{}, refuse(envelope, "source.%s is missing", f.name)
		}
	}
	if s.ShardID == nil || *s.ShardID < 0 {
		return Event{}, refuse(envelope, "source.shardId is missing or negative")
	}
	r := &LogRange{
		Endpoint: s.Endpoint, Project: s.ProjectName, Logstore: s.LogstoreName, Shard: *s.ShardID,
		Begin: s.BeginCursor, End: s.EndCursor, Job: t.JobName, Task: t.TaskID,
		Time: time.Unix(t.CursorTime, 0).UTC(),
	}
	return Event{Kind: Logs, Path: "sls", ID: t.TaskID, Range: r}, nil
}
