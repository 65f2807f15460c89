package slshec

// DrainConsumer is the name of a drain's consumer.
func DrainConsumer(c *Config) string { return c.drainConsumer() }
