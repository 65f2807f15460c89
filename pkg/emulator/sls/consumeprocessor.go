package sls

import "strings"

// consumeProcessor returns the SPL of a consume processor. What the service
// answers where there is none is inferred: its documentation says only that
// consumers that name a deleted one get errors.
func (o *Options) consumeProcessor(name string) (spl string, err error) {
	spl, ok := o.ConsumeProcessors[name]
	if !ok {
		return "", errf(404, "ConsumeProcessorNotExist", "consume processor %s does not exist", name)
	}
	return spl, nil
}

func getConsumeProcessor(c *call, o *Options, name string) error {
	spl, err := o.consumeProcessor(name)
	if err != nil {
		return err
	}
	return c.json(map[string]any{
		"processorName": name, "displayName": strings.ToUpper(name), "description": "",
		"configuration": map[string]string{"spl": spl}, "createTime": 1717171200, "updateTime": 1717171200,
	})
}
