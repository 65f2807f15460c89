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

run "metrics_read_the_two_records" {
  command = apply

  assert {
    condition     = google_logging_metric.runs.filter == "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"mule-audit\" AND jsonPayload.message=\"run finished\""
    error_message = "runs are counted from another record"
  }
  assert {
    condition     = google_logging_metric.runs.label_extractors == tomap({ status = "EXTRACT(jsonPayload.receipt.status)", code = "EXTRACT(jsonPayload.receipt.code)" }) && toset([for l in google_logging_metric.runs.metric_descriptor[0].labels : l.key]) == toset(["status", "code"])
    error_message = "runs are not told apart by status and code"
  }
  assert {
    condition     = { for k, m in google_logging_metric.value : m.name => m.value_extractor } == { siemfeed_mule_audit_in = "EXTRACT(jsonPayload.receipt.in)", siemfeed_mule_audit_out = "EXTRACT(jsonPayload.receipt.out)", siemfeed_mule_audit_filtered = "EXTRACT(jsonPayload.receipt.filtered)", siemfeed_mule_audit_quarantined = "EXTRACT(jsonPayload.receipt.quarantined)", siemfeed_mule_audit_lag = "EXTRACT(jsonPayload.receipt.lag_seconds)", siemfeed_mule_audit_seconds = "EXTRACT(jsonPayload.receipt.seconds)" }
    error_message = "a value is read from another field of the receipt"
  }
  assert {
    condition     = alltrue([for m in google_logging_metric.value : m.filter == google_logging_metric.runs.filter && m.metric_descriptor[0].metric_kind == "DELTA" && m.metric_descriptor[0].value_type == "DISTRIBUTION"])
    error_message = "a value is read from another record, or not as a distribution"
  }
  assert {
    condition     = google_logging_metric.proofs.filter == "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"mule-audit\" AND jsonPayload.message=\"verify finished\"" && google_logging_metric.findings.filter == google_logging_metric.proofs.filter && google_logging_metric.findings.value_extractor == "EXTRACT(jsonPayload.verify.findings)"
    error_message = "proofs are counted from another record"
  }
}

run "alerts_read_those_metrics" {
  command = apply

  assert {
    condition     = google_monitoring_alert_policy.query["no-success"].conditions[0].condition_prometheus_query_language[0].query == "(sum(increase(logging_googleapis_com:user_siemfeed_mule_audit_runs{monitored_resource=\"cloud_run_revision\",status=~\"ok|partial\"}[2280s])) or vector(0)) < 0.5"
    error_message = "success is read from elsewhere"
  }
  assert {
    condition     = endswith(google_monitoring_alert_policy.query["lag"].conditions[0].condition_prometheus_query_language[0].query, " > 3600") && endswith(google_monitoring_alert_policy.query["retention"].conditions[0].condition_prometheus_query_language[0].query, " > 1296000")
    error_message = "lag is told of at another time than an hour, or at half the source's 720 hours"
  }
  assert {
    condition     = alltrue([for k, m in { lag = "lag_sum", retention = "lag_sum", quarantine = "quarantined_sum", silent = "in_sum", unproven = "proofs", deadline = "runs" } : strcontains(google_monitoring_alert_policy.query[k].conditions[0].condition_prometheus_query_language[0].query, "user_siemfeed_mule_audit_${m}{monitored_resource=\"cloud_run_revision\"")])
    error_message = "an alert reads a metric that is not there"
  }
  assert {
    condition     = google_monitoring_alert_policy.record["findings"].conditions[0].condition_matched_log[0].filter == "${google_logging_metric.proofs.filter} AND severity>=WARNING"
    error_message = "findings are no alarm"
  }
  assert {
    condition     = google_monitoring_alert_policy.record["misconfigured"].conditions[0].condition_matched_log[0].filter == "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"mule-audit\" AND (jsonPayload.message=\"cannot run\" OR (jsonPayload.message=\"run finished\" AND jsonPayload.receipt.code=\"misconfigured\"))"
    error_message = "a wrong configuration is no alarm"
  }
  assert {
    condition     = alltrue([for p in google_monitoring_alert_policy.record : p.alert_strategy[0].notification_rate_limit[0].period == "3600s"])
    error_message = "an alert on records lacks the limit that the API asks for"
  }
  assert {
    condition     = strcontains(google_monitoring_alert_policy.dead_letters[0].conditions[0].condition_threshold[0].filter, "resource.labels.subscription_id=\"mule-audit-dead\"") && google_monitoring_alert_policy.dead_letters[0].conditions[0].condition_threshold[0].comparison == "COMPARISON_GT" && google_monitoring_alert_policy.dead_letters[0].conditions[0].condition_threshold[0].threshold_value == 0
    error_message = "dead letters are counted elsewhere"
  }
}

run "who_is_told" {
  command = apply

  assert {
    condition     = { for k, p in merge(google_monitoring_alert_policy.query, google_monitoring_alert_policy.record) : k => p.notification_channels[0] } == { deadline = "projects/acme/notificationChannels/2", findings = "projects/acme/notificationChannels/1", lag = "projects/acme/notificationChannels/2", misconfigured = "projects/acme/notificationChannels/1", no-success = "projects/acme/notificationChannels/1", quarantine = "projects/acme/notificationChannels/2", retention = "projects/acme/notificationChannels/1", silent = "projects/acme/notificationChannels/2", unproven = "projects/acme/notificationChannels/2" }
    error_message = "somebody is woken for what can wait, or not for what cannot"
  }
  assert {
    condition     = google_monitoring_alert_policy.dead_letters[0].notification_channels == tolist(["projects/acme/notificationChannels/1"]) && google_monitoring_alert_policy.dead_letters[0].severity == "CRITICAL"
    error_message = "nobody is woken for dead letters"
  }
}

run "a_worker_pool" {
  command = apply

  variables {
    resource = { kind = "worker_pool", name = "follower" }
  }
  assert {
    condition     = google_logging_metric.runs.filter == "resource.type=\"cloud_run_worker_pool\" AND resource.labels.worker_pool_name=\"follower\" AND jsonPayload.message=\"interval finished\"" && strcontains(google_monitoring_alert_policy.query["no-success"].conditions[0].condition_prometheus_query_language[0].query, "monitored_resource=\"cloud_run_worker_pool\"")
    error_message = "a worker pool's records are not found"
  }
}

run "a_proof_that_another_makes" {
  command = apply

  variables {
    resource = { kind = "worker_pool", name = "follower" }
    verifier = "follower-verify"
  }
  assert {
    condition     = google_logging_metric.proofs.filter == "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"follower-verify\" AND jsonPayload.message=\"verify finished\"" && google_logging_metric.findings.filter == google_logging_metric.proofs.filter && google_monitoring_alert_policy.record["findings"].conditions[0].condition_matched_log[0].filter == "${google_logging_metric.proofs.filter} AND severity>=WARNING"
    error_message = "proofs are looked for in the log of the pool, which makes none"
  }
  assert {
    condition     = google_monitoring_alert_policy.query["unproven"].conditions[0].condition_prometheus_query_language[0].query == "(sum(increase(logging_googleapis_com:user_siemfeed_mule_audit_proofs{monitored_resource=\"cloud_run_revision\"}[3600s])) or vector(0)) < 0.5"
    error_message = "the days without a proof are counted elsewhere"
  }
  assert {
    condition     = alltrue([for d in jsondecode(google_monitoring_dashboard.this.dashboard_json).mosaicLayout.tiles[2].widget.xyChart.dataSets : strcontains(d.timeSeriesQuery.prometheusQuery, "{monitored_resource=\"cloud_run_revision\"}")])
    error_message = "the dashboard shows the pool's proofs, of which there are none"
  }
  assert {
    condition     = google_logging_metric.runs.filter == "resource.type=\"cloud_run_worker_pool\" AND resource.labels.worker_pool_name=\"follower\" AND jsonPayload.message=\"interval finished\"" && strcontains(google_monitoring_alert_policy.query["no-success"].conditions[0].condition_prometheus_query_language[0].query, "monitored_resource=\"cloud_run_worker_pool\"")
    error_message = "the proofs' service counts as the pool"
  }
  assert {
    condition     = startswith(google_monitoring_alert_policy.record["misconfigured"].conditions[0].condition_matched_log[0].filter, "((resource.type=\"cloud_run_worker_pool\" AND resource.labels.worker_pool_name=\"follower\") OR (resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"follower-verify\")) AND (jsonPayload.message=\"cannot run\" OR ")
    error_message = "a proof that cannot be made for its configuration is no alarm"
  }
}

run "links_to_the_log" {
  command = apply

  assert {
    condition     = output.logs_url == "https://console.cloud.google.com/logs/query;query=resource.type%3D%22cloud_run_revision%22%20AND%20resource.labels.service_name%3D%22mule-audit%22?project=acme" && alltrue([for p in google_monitoring_alert_policy.query : p.documentation[0].links[0].url == output.logs_url])
    error_message = "the console takes the link for another filter"
  }
}

run "the_dashboard" {
  command = apply

  assert {
    condition     = [for t in jsondecode(google_monitoring_dashboard.this.dashboard_json).mosaicLayout.tiles : t.widget.title] == ["Freshness: seconds since the last success", "Lag of the oldest checkpoint, seconds", "Last proof: findings, and proofs made", "Records: in = out + filtered + quarantined", "Runs by status and code", "Time of runs against their budget, seconds", "Warnings and errors"]
    error_message = "the dashboard shows something else"
  }
  assert {
    condition     = jsondecode(google_monitoring_dashboard.this.dashboard_json).mosaicLayout.tiles[5].widget.xyChart.thresholds[0].value == 480 && [for t in jsondecode(google_monitoring_dashboard.this.dashboard_json).mosaicLayout.tiles : [try(t.xPos, 0), try(t.yPos, 0), t.width, t.height]] == [[0, 0, 16, 8], [16, 0, 16, 8], [32, 0, 16, 8], [0, 8, 24, 8], [24, 8, 24, 8], [0, 16, 24, 8], [24, 16, 24, 8]]
    error_message = "the budget is another, or a tile lies elsewhere"
  }
  assert {
    condition     = alltrue([for t in jsondecode(google_monitoring_dashboard.this.dashboard_json).mosaicLayout.tiles : !contains([try(t.xPos, null), try(t.yPos, null)], 0)])
    error_message = "a position of 0 is written, which the API does not give back: every plan would change the dashboard"
  }
  assert {
    condition     = jsondecode(google_monitoring_dashboard.this.dashboard_json).mosaicLayout.tiles[0].widget.xyChart.dataSets[0].timeSeriesQuery.prometheusQuery == "time() - max(max_over_time(timestamp(increase(logging_googleapis_com:user_siemfeed_mule_audit_runs{monitored_resource=\"cloud_run_revision\",status=~\"ok|partial\"}[2m]) > 0)[1d:1m]))"
    error_message = "freshness is the time since the chart was asked for"
  }
}
