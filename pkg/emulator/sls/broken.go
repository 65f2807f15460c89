package sls

import "time"

// AppendBroken adds bytes to a shard that are no LogGroup, as only a service
// with a defect would hand out. It counts as a group without logs.
func (l *Logstore) AppendBroken(shard int, raw []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.must(shard)
	s.groups = append(s.groups, group{raw, 0, time.Now().Unix()})
}
