package sls

// SetIndex gives the logstore an index: of fields, and with line of the whole
// text. It is there to be asked for; every log is counted and found without.
func (l *Logstore) SetIndex(line bool, fields ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	type key struct {
		Type     string   `json:"type"`
		DocValue bool     `json:"doc_value"`
		Token    []string `json:"token"`
	}
	l.index = map[string]any{"index_mode": "v2", "ttl": 30}
	if line {
		l.index["line"] = map[string]any{"caseSensitive": false, "token": []string{",", " "}}
	}
	keys := map[string]key{}
	for _, f := range fields {
		keys[f] = key{Type: "text", DocValue: true, Token: []string{",", " "}}
	}
	l.index["keys"] = keys
}

func getIndex(c *call) error {
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	if c.store.index == nil {
		return errf(404, "IndexConfigNotExist", "index config doesn't exist")
	}
	return c.json(c.store.index)
}
