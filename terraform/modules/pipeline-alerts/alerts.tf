locals {
  # From the last success until somebody is woken.
  window = var.missed_runs * var.interval_minutes * 60 + var.run_timeout_seconds

  # How far a query looks back and how long it holds are 25 h together at most: Cloud
  # Monitoring takes no policy beyond.
  longest = 90000

  # or vector(0): a pipeline that has never worked has no series, and no series is
  # smaller than anything. With it the count is zero, and the alert fires.
  queries = {
    no-success = {
      what  = "no run succeeded in ${local.window} s, or ever"
      query = "(sum(increase(${local.series}_runs{${local.selector},status=~\"ok|partial\"}[${local.window}s])) or vector(0)) < 0.5"
      hold  = var.interval_minutes * 60
      page  = true
    }
    lag = var.lag_minutes == null ? null : {
      what  = "the oldest checkpoint is more than ${var.lag_minutes} min behind"
      query = "sum(increase(${local.series}_lag_sum{${local.selector}}[${local.window}s])) / sum(increase(${local.series}_lag_count{${local.selector}}[${local.window}s])) > ${var.lag_minutes * 60}"
      hold  = var.interval_minutes * 60
      page  = false
    }
    retention = var.retention_hours == null ? null : {
      what  = "what was not read is half as old as the source keeps it (${var.retention_hours} h)"
      query = "sum(increase(${local.series}_lag_sum{${local.selector}}[${local.window}s])) / sum(increase(${local.series}_lag_count{${local.selector}}[${local.window}s])) > ${var.retention_hours * 1800}"
      hold  = 0
      page  = true
    }
    quarantine = {
      what  = "records were set aside"
      query = "sum(increase(${local.series}_quarantined_sum{${local.selector}}[3600s])) > 0.5"
      hold  = 0
      page  = false
    }
    deadline = {
      what  = "three runs ended because their time was up"
      query = "(sum(increase(${local.series}_runs{${local.selector},status=\"partial\"}[${local.window}s])) or vector(0)) + (sum(increase(${local.series}_runs{${local.selector},code=\"timeout\"}[${local.window}s])) or vector(0)) > 2.5"
      hold  = 0
      page  = false
    }
    silent = var.silent_hours == null ? null : {
      what  = "the source gave nothing in ${var.silent_hours} h"
      query = "(sum(increase(${local.series}_in_sum{${local.selector}}[${var.silent_hours * 3600}s])) or vector(0)) < 0.5"
      hold  = min(var.interval_minutes * 60, local.longest - var.silent_hours * 3600)
      page  = false
    }
    # An hour without a proof is nothing, 24 hours of such hours are: one is made a
    # day. Looked back on, the day would be empty on the first one, too.
    unproven = !var.verifies ? null : {
      what  = "verify did not run for a day"
      query = "(sum(increase(${local.series}_proofs{${local.proven}}[3600s])) or vector(0)) < 0.5"
      hold  = local.longest - 3600
      page  = false
    }
  }

  # One record is enough. These need no series, and say at once which record it was.
  records = {
    findings = !var.verifies ? null : {
      what   = "verify found something missing, altered or unread"
      filter = "${local.proofs} AND severity>=WARNING"
      page   = true
    }
    misconfigured = {
      what   = "configuration, credentials or permissions are wrong"
      filter = "${local.of_both} AND (jsonPayload.message=\"cannot run\" OR (jsonPayload.message=\"${local.kind.record}\" AND jsonPayload.receipt.code=\"misconfigured\"))"
      page   = true
    }
  }

  # The console takes a + for itself, and the filter would be none.
  logs_url = "https://console.cloud.google.com/logs/query;query=${replace(urlencode(local.of_both), "+", "%20")}?project=${var.project}"
}

resource "google_monitoring_alert_policy" "query" {
  for_each = { for k, q in local.queries : k => q if q != null }

  project               = var.project
  display_name          = "siemfeed ${var.name}: ${each.key}"
  combiner              = "OR"
  severity              = each.value.page ? "CRITICAL" : "WARNING"
  notification_channels = each.value.page ? var.channels.page : var.channels.ticket
  user_labels           = { pipeline = var.name }

  conditions {
    display_name = each.value.what
    condition_prometheus_query_language {
      query               = each.value.query
      duration            = "${each.value.hold}s"
      evaluation_interval = "60s"
      # The series begins with the first run, and the policy has to be there before.
      disable_metric_validation = true
    }
  }

  documentation {
    subject   = "siemfeed ${var.name}: ${each.value.what}"
    mime_type = "text/markdown"
    content   = file("${path.module}/runbooks/${each.key}.md")
    links {
      display_name = "Logs"
      url          = local.logs_url
    }
  }

  depends_on = [google_logging_metric.runs, google_logging_metric.value, google_logging_metric.proofs]
}

resource "google_monitoring_alert_policy" "record" {
  for_each = { for k, r in local.records : k => r if r != null }

  project               = var.project
  display_name          = "siemfeed ${var.name}: ${each.key}"
  combiner              = "OR"
  severity              = each.value.page ? "CRITICAL" : "WARNING"
  notification_channels = each.value.page ? var.channels.page : var.channels.ticket
  user_labels           = { pipeline = var.name }

  conditions {
    display_name = each.value.what
    condition_matched_log {
      filter = each.value.filter
    }
  }

  alert_strategy {
    notification_rate_limit {
      period = "3600s"
    }
    auto_close = "86400s"
  }

  documentation {
    subject   = "siemfeed ${var.name}: ${each.value.what}"
    mime_type = "text/markdown"
    content   = file("${path.module}/runbooks/${each.key}.md")
    links {
      display_name = "Logs"
      url          = local.logs_url
    }
  }
}

resource "google_monitoring_alert_policy" "dead_letters" {
  count = var.dead_subscription == null ? 0 : 1

  project               = var.project
  display_name          = "siemfeed ${var.name}: dead-letters"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = var.channels.page
  user_labels           = { pipeline = var.name }

  conditions {
    display_name = "dead letters wait"
    condition_threshold {
      filter          = "metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\" AND resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id=\"${var.dead_subscription}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"
      aggregations {
        alignment_period   = "300s"
        per_series_aligner = "ALIGN_MAX"
      }
    }
  }

  documentation {
    subject   = "siemfeed ${var.name}: dead letters wait"
    mime_type = "text/markdown"
    content   = file("${path.module}/runbooks/dead-letters.md")
    links {
      display_name = "Logs"
      url          = local.logs_url
    }
  }
}
