package sls

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"time"

	sdk "github.com/aliyun/aliyun-log-go-sdk"
	"github.com/gogo/protobuf/proto"
)

type matcher func(*sdk.LogGroup, *sdk.Log) bool

var splTerm = regexp.MustCompile(`(?i)^\s*"?([\w:.-]+)"?\s*(=|!=)\s*'([^']*)'\s*$`)

// parseSPL reads `*` or `* | where field = 'value' and …`.
func parseSPL(query string) (matcher, error) {
	head, rest, piped := strings.Cut(query, "|")
	head, rest = strings.TrimSpace(head), strings.TrimSpace(rest)
	bad := errf(400, "ParameterInvalid", "the emulator does not know the query %q", query)
	if head != "*" && head != "" {
		return nil, bad
	}
	if !piped {
		return func(*sdk.LogGroup, *sdk.Log) bool { return true }, nil
	}
	if len(rest) < 6 || !strings.EqualFold(rest[:6], "where ") {
		return nil, bad
	}
	var terms [][]string
	for _, t := range regexp.MustCompile(`(?i)\s+and\s+`).Split(rest[6:], -1) {
		m := splTerm.FindStringSubmatch(t)
		if m == nil {
			return nil, bad
		}
		terms = append(terms, m[1:])
	}
	return func(g *sdk.LogGroup, l *sdk.Log) bool {
		for _, t := range terms {
			if (valueOf(g, l, t[0]) == t[2]) != (t[1] == "=") {
				return false
			}
		}
		return true
	}, nil
}

func valueOf(g *sdk.LogGroup, l *sdk.Log, field string) string {
	switch tag, isTag := strings.CutPrefix(field, "__tag__:"); {
	case field == "__topic__":
		return g.GetTopic()
	case field == "__source__":
		return g.GetSource()
	case isTag:
		for _, t := range g.LogTags {
			if t.GetKey() == tag {
				return t.GetValue()
			}
		}
	}
	for _, kv := range l.Contents {
		if kv.GetKey() == field {
			return kv.GetValue()
		}
	}
	return ""
}

// search finds the logs of a time range, by __time__.
func (l *Logstore) search(from, to int64, query string, found func(*sdk.LogGroup, *sdk.Log, int64)) error {
	match, err := parseSPL(query)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.shards {
		raws, times := s.groups, int64(1)
		if s.loop != nil {
			raws, times = s.loop.groups, s.loop.total/int64(len(s.loop.groups))
		}
		for _, g := range raws {
			var lg sdk.LogGroup
			if err := proto.Unmarshal(g.raw, &lg); err != nil {
				return err
			}
			for _, log := range lg.Logs {
				if t := int64(log.GetTime()); t >= from && t < to && match(&lg, log) {
					found(&lg, log, times)
				}
			}
		}
	}
	return nil
}

func getHistograms(c *call) error {
	from, err1 := strconv.ParseInt(c.get("from"), 10, 64)
	to, err2 := strconv.ParseInt(c.get("to"), 10, 64)
	if c.get("type") != "histogram" || err1 != nil || err2 != nil || from >= to {
		return errf(400, "ParameterInvalid", "want type=histogram, from and to")
	}
	var n int64
	if err := c.store.search(from, to, c.get("query"), func(_ *sdk.LogGroup, _ *sdk.Log, times int64) { n += times }); err != nil {
		return err
	}
	c.w.Header().Set("x-log-progress", "Complete")
	c.w.Header().Set("x-log-count", strconv.FormatInt(n, 10))
	return c.json([]map[string]any{{"from": from, "to": to, "count": n, "progress": "Complete"}})
}

var countQuery = regexp.MustCompile(`(?i)^(.*?)\|?\s*select\s+count\(\*\)(?:\s+as\s+(\w+))?\s*$`)

func getLogs(c *call) error {
	var q struct {
		From, To, Line, Offset int64
		Query                  string
	}
	q.Line = 100
	if err := json.Unmarshal(c.body, &q); err != nil {
		return errf(400, "JsonInfoInvalid", "%v", err)
	}
	start := time.Now()
	rows := []map[string]string{}
	count := countQuery.FindStringSubmatch(q.Query)
	if count != nil {
		q.Query = strings.TrimRight(strings.TrimSpace(count[1]), "| ")
	}
	var n int64
	err := c.store.search(q.From, q.To, q.Query, func(g *sdk.LogGroup, l *sdk.Log, times int64) {
		if n += times; count != nil || n <= q.Offset || int64(len(rows)) >= q.Line {
			return
		}
		row := map[string]string{"__time__": strconv.FormatUint(uint64(l.GetTime()), 10), "__topic__": g.GetTopic(), "__source__": g.GetSource()}
		for _, t := range g.LogTags {
			row["__tag__:"+t.GetKey()] = t.GetValue()
		}
		for _, kv := range l.Contents {
			row[kv.GetKey()] = kv.GetValue()
		}
		rows = append(rows, row)
	})
	if err != nil {
		return err
	}
	if count != nil {
		column := count[2]
		if column == "" {
			column = "_col0"
		}
		rows = append(rows, map[string]string{column: strconv.FormatInt(n, 10)})
	}
	return c.json(map[string]any{
		"meta": map[string]any{
			"progress": "Complete", "count": len(rows), "processedRows": n, "hasSQL": count != nil,
			"elapsedMillisecond": time.Since(start).Milliseconds(),
		},
		"data": rows,
	})
}
