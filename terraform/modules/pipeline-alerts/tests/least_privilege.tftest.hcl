mock_provider "google" {}

variables {
  project             = "acme"
  name                = "mule-audit"
  resource            = { kind = "service", name = "mule-audit" }
  interval_minutes    = 10
  run_timeout_seconds = 480
  retention_hours     = 720
  dead_subscription   = "mule-audit-dead"
  channels = {
    page   = ["projects/acme/notificationChannels/1"]
    ticket = ["projects/acme/notificationChannels/2"]
  }
}

# The module watches: it makes no account, grants nothing, and keeps no record
# beyond numbers.
run "numbers_only" {
  command = apply

  assert {
    condition     = alltrue([for m in values(google_logging_metric.value) : length(m.label_extractors == null ? {} : m.label_extractors) == 0]) && keys(google_logging_metric.runs.label_extractors) == tolist(["code", "status"])
    error_message = "text of records, which may name people, becomes labels of metrics"
  }
  assert {
    condition     = alltrue([for p in google_monitoring_alert_policy.record : length(p.conditions[0].condition_matched_log[0].label_extractors == null ? {} : p.conditions[0].condition_matched_log[0].label_extractors) == 0])
    error_message = "text of records becomes part of notifications"
  }
  assert {
    condition     = alltrue([for m in concat(values(google_logging_metric.value), [google_logging_metric.runs, google_logging_metric.proofs, google_logging_metric.findings]) : strcontains(m.filter, "resource.labels.service_name=\"mule-audit\"") && m.project == "acme"])
    error_message = "records of other functions are counted"
  }
}
