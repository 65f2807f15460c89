package telemetry

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
)

// defaultEndpoint is where OTLP over HTTP goes when an exporter is asked for and
// no endpoint is named.
const defaultEndpoint = "http://localhost:4318"

// destination reads where metrics go from the standard variables
// (opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables and
// …/specs/otel/protocol/exporter): the URL to post to, or nothing when metrics
// are off, as they are unless an endpoint or the exporter otlp is named. What
// the variables hold that is not understood is ignored and warned of; what is
// understood and cannot be done here, such as gRPC, turns metrics off with a
// warning. No warning quotes a value that may be secret.
func destination() (endpoint string, warnings []error) {
	warn := func(format string, args ...any) { warnings = append(warnings, fmt.Errorf(format, args...)) }
	switch disabled := variable("OTEL_SDK_DISABLED"); {
	case strings.EqualFold(disabled, "true"):
		return "", nil
	case disabled != "" && !strings.EqualFold(disabled, "false"):
		warn("OTEL_SDK_DISABLED=%s is neither true nor false: taken for false", disabled)
	}
	exporter, err := otlpWanted(variable("OTEL_METRICS_EXPORTER"))
	if err != nil {
		warnings = append(warnings, err)
	}
	from, raw := "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", variable("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT")
	base := raw == ""
	if base {
		from, raw = "OTEL_EXPORTER_OTLP_ENDPOINT", variable("OTEL_EXPORTER_OTLP_ENDPOINT")
	}
	if exporter == no || exporter == unsaid && raw == "" {
		return "", warnings
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		switch protocol := variable(name); protocol {
		case "":
			continue
		case "http/protobuf":
		case "grpc", "http/json":
			warn("%s=%s is not spoken here, no metrics are exported: set http/protobuf, and the endpoint's port for it, 4318 by default", name, protocol)
			return "", warnings
		default:
			warn("%s=%s is no protocol of OTLP: http/protobuf is used", name, protocol)
		}
		break
	}
	if raw == "" {
		raw = defaultEndpoint
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		warn("%s is no URL such as %s, no metrics are exported", from, defaultEndpoint)
		return "", warnings
	}
	if base {
		u = u.JoinPath("v1", "metrics")
	}
	return u.String(), warnings
}

// wanted says whether OTEL_METRICS_EXPORTER asks for OTLP.
type wanted int

const (
	unsaid wanted = iota
	yes
	no
)

// otlpWanted reads OTEL_METRICS_EXPORTER, a list. Exporters that other SDKs have
// are not ours to replace by OTLP; words that none has are ignored.
func otlpWanted(list string) (wanted, error) {
	w := unsaid
	var problems []error
	for name := range strings.SplitSeq(list, ",") {
		switch name = strings.TrimSpace(name); name {
		case "":
		case "otlp":
			w = yes
		case "none":
			if w == unsaid {
				w = no
			}
		case "prometheus", "console", "logging":
			if w == unsaid {
				w = no
			}
			problems = append(problems, fmt.Errorf("OTEL_METRICS_EXPORTER: %s is not supported, only otlp and none are", name))
		default:
			problems = append(problems, fmt.Errorf("OTEL_METRICS_EXPORTER: %q is not understood: want otlp or none", name))
		}
	}
	return w, errors.Join(problems...)
}

// headerSecrets returns what the OTLP headers hold, since a collector may echo
// it: the values, and of "Bearer token" also the token alone.
func headerSecrets() (secrets []string) {
	for _, name := range []string{"OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_METRICS_HEADERS"} {
		for pair := range strings.SplitSeq(variable(name), ",") {
			_, value, _ := strings.Cut(pair, "=")
			values := []string{value}
			if plain, err := url.PathUnescape(value); err == nil {
				values = append(values, plain)
			}
			for _, v := range values {
				secrets = append(secrets, v)
				if words := strings.Fields(v); len(words) > 1 {
					secrets = append(secrets, words[len(words)-1])
				}
			}
		}
	}
	return slices.Compact(secrets)
}

// variable returns an environment variable without the white space round it:
// set to nothing counts as unset.
func variable(name string) string { return strings.TrimSpace(os.Getenv(name)) }
