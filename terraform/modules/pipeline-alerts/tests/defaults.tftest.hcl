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

run "every_alert_is_there" {
  command = apply

  assert {
    condition     = keys(google_monitoring_alert_policy.query) == ["deadline", "lag", "no-success", "quarantine", "retention", "silent", "unproven"]
    error_message = "an alert on counts is missing, or there is one nobody knows of"
  }
  assert {
    condition     = keys(google_monitoring_alert_policy.record) == ["findings", "misconfigured"]
    error_message = "an alert on records is missing, or there is one nobody knows of"
  }
  assert {
    condition     = length(google_monitoring_alert_policy.dead_letters) == 1
    error_message = "nobody hears of dead letters"
  }
  assert {
    condition     = alltrue([for p in concat(values(google_monitoring_alert_policy.query), values(google_monitoring_alert_policy.record), google_monitoring_alert_policy.dead_letters) : strcontains(p.documentation[0].content, "## What it means") && strcontains(p.documentation[0].content, "## What to look at") && strcontains(p.documentation[0].content, "## What to do") && length(p.documentation[0].content) <= 8192 && length(p.documentation[0].subject) <= 255 && p.documentation[0].mime_type == "text/markdown"])
    error_message = "an alert has no runbook that says what it means and what to do, or a longer one than Cloud Monitoring takes"
  }
}

run "it_fires_without_a_first_point" {
  command = apply

  assert {
    condition     = alltrue([for k in ["no-success", "silent", "unproven"] : strcontains(google_monitoring_alert_policy.query[k].conditions[0].condition_prometheus_query_language[0].query, ") or vector(0)) < 0.5")])
    error_message = "a pipeline that never worked would be no alarm"
  }
  assert {
    condition     = alltrue([for p in google_monitoring_alert_policy.query : p.conditions[0].condition_prometheus_query_language[0].disable_metric_validation == true])
    error_message = "a policy could not be made before the first run"
  }
}

run "windows" {
  command = apply

  # Three intervals of ten minutes and a run of eight.
  assert {
    condition     = strcontains(google_monitoring_alert_policy.query["no-success"].conditions[0].condition_prometheus_query_language[0].query, "[2280s]") && output.absence_window_seconds == 2280
    error_message = "success is looked for over another time than three intervals and a run"
  }
  assert {
    condition     = strcontains(google_monitoring_alert_policy.query["silent"].conditions[0].condition_prometheus_query_language[0].query, "[82800s]")
    error_message = "silence is looked for over another time than 23 hours"
  }
  assert {
    condition     = strcontains(google_monitoring_alert_policy.query["unproven"].conditions[0].condition_prometheus_query_language[0].query, "[3600s]") && google_monitoring_alert_policy.query["unproven"].conditions[0].condition_prometheus_query_language[0].duration == "86400s"
    error_message = "a day without a proof is no alarm, or the first day is"
  }
}

# How far back a query looks, and how long it holds: together what Cloud Monitoring takes.
run "no_longer_than_25_hours" {
  command = apply

  variables {
    interval_minutes = 360
    lag_minutes      = null
    silent_hours     = 23.5
  }
  assert {
    condition     = alltrue([for p in google_monitoring_alert_policy.query : max([for w in regexall("\\[([0-9]+)s\\]", p.conditions[0].condition_prometheus_query_language[0].query) : tonumber(w[0])]...) + tonumber(trimsuffix(p.conditions[0].condition_prometheus_query_language[0].duration, "s")) <= 90000])
    error_message = "a query looks back and holds for more than 25 hours together"
  }
  assert {
    condition     = google_monitoring_alert_policy.query["no-success"].conditions[0].condition_prometheus_query_language[0].duration == "21600s" && google_monitoring_alert_policy.query["silent"].conditions[0].condition_prometheus_query_language[0].duration == "5400s"
    error_message = "what recovers within an interval is an alarm"
  }
}

run "what_is_not_asked_for" {
  command = apply

  variables {
    lag_minutes       = null
    retention_hours   = null
    silent_hours      = null
    verifies          = false
    dead_subscription = null
  }
  assert {
    condition     = keys(google_monitoring_alert_policy.query) == ["deadline", "no-success", "quarantine"] && keys(google_monitoring_alert_policy.record) == ["misconfigured"] && length(google_monitoring_alert_policy.dead_letters) == 0
    error_message = "an alert is there that was left out, or left out that was not"
  }
}
