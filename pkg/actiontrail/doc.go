// Package actiontrail reads events of Alibaba Cloud ActionTrail, as a trail
// writes them to Log Service: one key, event, that holds JSON.
//
// Only what is asked for is decoded, and leniently: a number or a boolean where
// a string is expected is its text, null or an object there is nothing, a field
// that is missing is empty. All of the text is checked, though, so that what is
// cut short is never taken for a whole event.
//
// Source of the fields: ActionTrail's page on the structure of an event
// (alibabacloud.com doc-detail/28819), and its announcement of 2020-12-16 on how
// several resources are named.
package actiontrail
