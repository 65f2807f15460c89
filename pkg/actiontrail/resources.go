package actiontrail

import "bytes"

// resources appends what the event names. Names of one type are joined by
// commas, types by semicolons, and a type stands where its names do:
//
//	resourceName  i-a,i-b;v-c
//	resourceType  ACS::ECS::Instance;ACS::VPC::VSwitch
//
// Where a type has no names, those that referencedResources gives it count;
// where nothing is found in either way, all that it gives. What a call sets tags
// of may be named by its parameters alone.
func (d *Decoder) resources(dst []Resource) []Resource {
	names, types := d.event.fields[ResourceName], d.event.fields[ResourceType]
	for len(names) > 0 || len(types) > 0 {
		var of, kind []byte
		of, names, _ = bytes.Cut(names, []byte{';'})
		kind, types, _ = bytes.Cut(types, []byte{';'})
		kind = bytes.TrimSpace(kind)
		before := len(dst)
		for len(of) > 0 {
			var name []byte
			name, of, _ = bytes.Cut(of, []byte{','})
			if name = bytes.TrimSpace(name); len(name) > 0 {
				dst = append(dst, Resource{Type: kind, Name: name})
			}
		}
		if len(dst) == before && len(kind) > 0 {
			dst = d.namesOf(dst, kind)
		}
	}
	if len(dst) == 0 {
		dst = append(dst, d.named...)
	}
	if call := d.event.fields[Name]; len(dst) == 0 && (bytes.Contains(call, []byte("Tag")) || bytes.HasPrefix(call, []byte("Untag"))) {
		dst = d.tagged(dst)
	}
	return dst
}

// namesOf appends what referencedResources gives of a type.
func (d *Decoder) namesOf(dst []Resource, kind []byte) []Resource {
	for _, r := range d.named {
		if bytes.Equal(r.Type, kind) {
			dst = append(dst, r)
		}
	}
	return dst
}
