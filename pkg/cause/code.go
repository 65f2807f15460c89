package cause

// Code is what is behind an error. The words stay the same from release to
// release: programs compare them.
type Code string

// What is behind an error that came instead of an answer.
const (
	NameUnknown       Code = "name_unknown"       // DNS knows no such host
	DNSFailed         Code = "dns_failed"         // DNS gave no answer about the host
	ConnectionRefused Code = "connection_refused" // nothing listens there
	Unreachable       Code = "unreachable"        // there is no way to the host
	ConnectionBroken  Code = "connection_broken"  // it was ended by the other side, or on the way
	Timeout           Code = "timeout"            // no answer in time
	AuthorityUnknown  Code = "tls_authority_unknown"
	CertificateOver   Code = "tls_certificate_expired"
	CertificateEarly  Code = "tls_certificate_not_yet_valid"
	WrongHostName     Code = "tls_wrong_host_name" // the certificate is for other names
	TLSFailed         Code = "tls_failed"          // another fault of the certificate or the handshake
	NotTLS            Code = "not_tls"             // what answers speaks plain HTTP
	ProxyUnreachable  Code = "proxy_unreachable"
	ProxyRefused      Code = "proxy_refused"
)

// What is behind an answer that is a refusal.
const (
	ClockOff           Code = "clock_off"           // this machine's, by the other's
	NoCredentials      Code = "no_credentials"      // there are none, or none could be got
	CredentialsRefused Code = "credentials_refused" // 401: not known, disabled or over
	PermissionDenied   Code = "permission_denied"   // 403: known, and may not
	NotFound           Code = "not_found"           // 404
	Throttled          Code = "throttled"           // 429
	ServerFailed       Code = "server_failed"       // 5xx
	Redirected         Code = "redirected"          // 3xx, where the service never does
	RequestRefused     Code = "request_refused"     // another 4xx
	UnexpectedAnswer   Code = "unexpected_answer"   // not of the service that was asked
	BucketMissing      Code = "bucket_missing"
	BucketElsewhere    Code = "bucket_elsewhere"    // in another region or account
	BucketNotReadable  Code = "bucket_read_denied"  // it is there, and may not be read or listed
	BucketNotWritable  Code = "bucket_write_denied" // it is there, and nothing may be created or removed
	BucketUnsuitable   Code = "bucket_unsuitable"   // it cannot keep what a function relies on
	NewerState         Code = "newer_state"         // a newer release has written it
	Misconfigured      Code = "misconfigured"       // anything else that the error says how to mend
	Expired            Code = "expired"             // what was to be read is no longer kept
	Incomplete         Code = "incomplete"          // something that should be there is not
	Unknown            Code = "unknown"             // see the message
)

// Known is an error of a client that knows its service's codes. Cause returns ""
// where they say nothing, and then what is beneath counts.
type Known interface {
	error
	Cause() Code
}

// Mender is an error that says itself what to do about it, or "".
type Mender interface {
	error
	Mend() string
}
