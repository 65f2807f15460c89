// Package anypoint reads the audit log of MuleSoft Anypoint Platform: the Audit
// Log Query API v2, POST /audit/v2/organizations/{id}/query, and what it needs
// of the Access Management API (token, business groups).
//
// A [Client] is made once and shared by every organisation and run, since it
// owns the token and the request budget. Anypoint counts requests per source
// address and answers 503 until the minute is over when they are too many; the
// client spaces its requests so that this does not happen ([Options].RatePerMinute)
// and, when it is told to slow down all the same, stops everything it sends
// until the pause is over.
//
// Entries are handed out as the bytes the API sent, only white space between
// tokens removed. Nothing is decoded and encoded again, so unknown fields, key
// order, escapes and the text of numbers come through as they were. The answer
// is still checked to be JSON to its last byte: one that ends early is an error,
// never a short page. An entry that is too long to hold, no object or no JSON is
// handed out as [Rejected], and does not keep the rest of its page back.
//
// Nor is an answer that breaks off between pages the end of a query. That is
// where the total is reached that the API counted, or else an empty page; a
// total that is not reached, a page without a cursor before that, and a cursor
// that repeats are failures that may pass.
//
// Sources: docs.mulesoft.com/access-management/audit-logging (limits, cursor),
// dev-portal.mulesoft.com "Audit Log Query" (request and answer).
package anypoint
