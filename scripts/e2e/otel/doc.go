// Package otel tests what is sent to Splunk against an HTTP Event Collector
// that others wrote: the OpenTelemetry Collector's splunkhecreceiver, with its
// acknowledgement extension.
package otel
