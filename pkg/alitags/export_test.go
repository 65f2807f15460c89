package alitags

// Types lists the types of the table.
func Types() (all []string) {
	for _, k := range kinds {
		all = append(all, k.Type)
	}
	return all
}

// IsCentral tells whether the services of a type have no regions.
func IsCentral(typ string) bool { return kindOf(typ).Central != "" }

// Sizes tells how many scopes, accounts and flights a client holds.
func (c *Client) Sizes() (scopes, accounts, flights int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.scopes), len(c.accounts), len(c.flights)
}

// Queued is how many flights wait in queues, deserted ones among them.
func (c *Client) Queued() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, s := range c.scopes {
		if name == s.folded {
			n += len(s.queue)
		}
	}
	return n
}
