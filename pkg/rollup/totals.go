package rollup

// Totals are sums over runs.
type Totals struct {
	Runs    int `json:"runs"`
	Partial int `json:"partial"`
	Busy    int `json:"busy"`
	Failed  int `json:"failed"`
	// Killed counts runs that left a receipt that says they are under way, which
	// some of the last day may be.
	Killed int `json:"killed"`

	// In = Delivered + Filtered + Quarantined, in records.
	In          int64 `json:"in"`
	Delivered   int64 `json:"delivered"`
	Filtered    int64 `json:"filtered"`
	Quarantined int64 `json:"quarantined"`
	// Out counts what was written, which is more than was delivered where one
	// record becomes several.
	Out      int64 `json:"out"`
	BytesIn  int64 `json:"bytes_in"`
	BytesOut int64 `json:"bytes_out"`
	// Unbalanced counts receipts in which in is not delivered + filtered +
	// quarantined.
	Unbalanced int `json:"unbalanced"`
}

// Add adds o.
func (t *Totals) Add(o Totals) {
	t.Runs += o.Runs
	t.Partial += o.Partial
	t.Busy += o.Busy
	t.Failed += o.Failed
	t.Killed += o.Killed
	t.In += o.In
	t.Delivered += o.Delivered
	t.Filtered += o.Filtered
	t.Quarantined += o.Quarantined
	t.Out += o.Out
	t.BytesIn += o.BytesIn
	t.BytesOut += o.BytesOut
	t.Unbalanced += o.Unbalanced
}
