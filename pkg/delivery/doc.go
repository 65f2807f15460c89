// Package delivery states what the functions did in a span of days, and compares
// that with what is kept later: a receipt that was removed, altered or added since
// is named. Package attest signs it.
//
// The subjects of the statement are the days: the digest of one is what
// `sha256sum * | sha256sum` prints in the folder of the day's receipts.
package delivery
