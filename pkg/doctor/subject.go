package doctor

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/siemfeed/siemfeed/pkg/cause"
)

// Subject is what a check asks, in terms of the variables that decide how the
// question goes. Where one is empty, nothing of that kind does.
type Subject struct {
	Asked       string // who is asked, for a reader: a URL or a name
	Where       string // variables that say where that is
	Credentials string // variables, or the role, by which the function proves itself
	Name        string // variables that name what is asked for
	Grant       string // what the credentials have to allow
	Grantee     string // to whom it has to be granted; by default the credentials
	CA          string // variable for the file of a certificate authority
}

// Failed returns the check called name, which failed with err: with what is
// behind it, and the fix for that.
func (s Subject) Failed(name string, err error) Check {
	code := cause.Of(err)
	return Check{Name: name, Problem: err, Code: code, Fix: s.fix(code, err)}
}

// fix says what to do about err, by what is behind it.
func (s Subject) fix(code cause.Code, err error) string {
	var mender cause.Mender
	if code == cause.Misconfigured && errors.As(err, &mender) && mender.Mend() != "" {
		return mender.Mend()
	}
	asked, where := cmp.Or(s.Asked, "the service"), cmp.Or(s.Where, "the configuration")
	switch code {
	case cause.NameUnknown:
		return fmt.Sprintf("correct %s: DNS knows no host %s; if the name is right, give this machine a resolver that knows it", where, host(err, asked))
	case cause.DNSFailed:
		return fmt.Sprintf("mend DNS on this machine (its resolver, or the way to it): it gave no answer about %s, so that nothing is known about %s", host(err, asked), where)
	case cause.ConnectionRefused:
		return fmt.Sprintf("correct host and port in %s, or start what should answer: nothing listens at %s", where, address(err, asked))
	case cause.Unreachable:
		return fmt.Sprintf("let this machine reach %s (routes, firewall, private endpoint), or correct %s", address(err, asked), where)
	case cause.ConnectionBroken:
		return fmt.Sprintf("look at what stands between this machine and %s (proxy, firewall, load balancer), and whether %s names the right port", asked, where)
	case cause.Timeout:
		return fmt.Sprintf("let this machine reach %s (firewall, security group, VPC connector, NAT), or correct %s: there was no answer in time", asked, where)
	case cause.AuthorityUnknown:
		return fmt.Sprintf("trust the authority of the certificate that %s shows: put it into the file that %s names; if it is a proxy's, it is the proxy's authority", asked, cmp.Or(s.CA, "SSL_CERT_FILE"))
	case cause.CertificateOver:
		return fmt.Sprintf("renew the certificate of %s; if it is not over, set this machine's clock (NTP)", asked)
	case cause.CertificateEarly:
		return fmt.Sprintf("set this machine's clock (NTP): by it the certificate of %s is not valid yet", asked)
	case cause.WrongHostName:
		return fmt.Sprintf("use in %s a name that the certificate is for%s: what answers is something else, or is known by another name", where, certified(err))
	case cause.TLSFailed:
		return fmt.Sprintf("see the message: %s shows a certificate, or speaks a TLS, that cannot be accepted, or wants a certificate of its clients, which have none; %s says where it is", asked, where)
	case cause.NotTLS:
		return fmt.Sprintf("correct scheme and port in %s: what answers does not speak TLS", where)
	case cause.ProxyUnreachable:
		return "correct HTTPS_PROXY and HTTP_PROXY, or let this machine reach the proxy; hosts in NO_PROXY are reached without it"
	case cause.ProxyRefused:
		return fmt.Sprintf("a proxy or firewall on the way refuses, not %s: let it pass, set HTTPS_PROXY with user and password if it wants a login, or name the host in NO_PROXY", asked)
	case cause.ClockOff:
		return "set this machine's clock (NTP)"
	case cause.NoCredentials:
		return fmt.Sprintf("see the message: no credentials could be got for %s; they are %s", asked, cmp.Or(s.Credentials, "the environment's"))
	case cause.CredentialsRefused:
		return fmt.Sprintf("set %s to what %s knows: what is set is unknown there, disabled or over", cmp.Or(s.Credentials, "the credentials"), asked)
	case cause.PermissionDenied:
		return "grant " + cmp.Or(s.Grant, "the permission for this call") + s.to()
	case cause.NotFound:
		return fmt.Sprintf("correct %s: %s knows nothing of that name", alternatives(s.Name, s.Where), asked)
	case cause.Throttled:
		return fmt.Sprintf("wait, or have the quota raised: %s is asked too much, by this function or by others, and nothing else is known to be wrong", asked)
	case cause.ServerFailed:
		return fmt.Sprintf("wait, and ask again: %s fails, and nothing else is known to be wrong", asked)
	case cause.Redirected:
		return fmt.Sprintf("set %s to the service itself: what answers sends elsewhere, perhaps to a login", where)
	case cause.UnexpectedAnswer:
		return fmt.Sprintf("correct %s: what answers there is not the service, or something between changes its answers", where)
	case cause.BucketMissing:
		return fmt.Sprintf("correct the bucket's name in %s, or create it: it is not at %s", where, asked)
	case cause.BucketElsewhere:
		return fmt.Sprintf("correct region, account or endpoint in %s: the bucket is not served there", where)
	case cause.BucketNotReadable, cause.BucketNotWritable:
		return "grant " + s.Grant + s.to()
	case cause.BucketUnsuitable:
		return fmt.Sprintf("set %s to a bucket in which an object is created only once (without versioning, on a store with conditional writes)", where)
	}
	return "see the message; it depends on " + alternatives(s.Where, s.Name, s.Credentials)
}

// to says whom to grant something.
func (s Subject) to() string {
	if whom := cmp.Or(s.Grantee, s.Credentials); whom != "" {
		return " to " + whom
	}
	return ""
}

func alternatives(list ...string) string {
	var set []string
	for _, name := range list {
		if name != "" {
			set = append(set, name)
		}
	}
	if len(set) == 0 {
		return "the configuration"
	}
	return strings.Join(set, ", or ")
}

// host is the name that DNS was asked about.
func host(err error, otherwise string) string {
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.Name != "" {
		return dns.Name
	}
	return otherwise
}

// address is where a connection was to be made to.
func address(err error, otherwise string) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Addr != nil {
		return op.Addr.String()
	}
	return otherwise
}

// certified names whom a certificate is for.
func certified(err error) string {
	var wrong x509.HostnameError
	if !errors.As(err, &wrong) || wrong.Certificate == nil || len(wrong.Certificate.DNSNames) == 0 {
		return ""
	}
	names := wrong.Certificate.DNSNames
	if len(names) > 3 {
		names = append(names[:3:3], "…")
	}
	return " (" + strings.Join(names, ", ") + ")"
}
