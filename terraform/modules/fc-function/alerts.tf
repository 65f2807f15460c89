locals {
  interval_seconds = var.trigger.kind == "timer" ? var.trigger.minutes * 60 : var.trigger.seconds
  # From the last success until somebody is woken.
  window_seconds = max(3 * local.interval_seconds + var.run_timeout_seconds, 600)

  # Looked at every five minutes, what has to happen within an interval is missed after
  # one: before the first run nothing has happened yet.
  patience = ceil(local.interval_seconds / 300) + 1

  # The function writes JSON lines, which the log keeps as message. Of a long one the
  # Log Service analyses the beginning, which is no JSON any more: what alerts ask for
  # stands there, and is found as text.
  run     = "message like '%\"message\":\"run finished\"%'"
  proof   = "message like '%\"message\":\"verify finished\"%'"
  of      = "regexp_extract(message, '\"status\":\"([a-z]+)\"', 1)"
  code    = { for c in ["misconfigured", "timeout"] : c => "message like '%\"code\":\"${c}\"%'" }
  numbers = { for f in ["in", "out", "filtered", "quarantined", "lag_seconds", "seconds", "findings"] : f => "cast(regexp_extract(message, '\"${f}\":([-+.e0-9]+)', 1) as double)" }

  # Each gives one number, n, and fires where that is as said. A count of what never
  # happened is zero, so that never is an alarm, too.
  alerts = var.alerts == null ? {} : { for k, a in {
    no-success = {
      what  = "no run succeeded in ${local.window_seconds} s, or ever", page = true, fires = "n < 1", seconds = local.window_seconds
      query = "${local.run} and ${local.of} in ('ok', 'partial')", times = local.patience
    }
    lag = var.alerts.lag_minutes == 0 ? null : {
      what  = "the oldest checkpoint is more than ${var.alerts.lag_minutes} min behind", page = false, fires = "n > 0", seconds = local.window_seconds
      query = "${local.run} and ${local.numbers.lag_seconds} > ${var.alerts.lag_minutes * 60}"
    }
    retention = var.retention_hours == null ? null : {
      what  = "what was not read is half as old as the source keeps it (${var.retention_hours} h)", page = true, fires = "n > 0", seconds = local.window_seconds
      query = "${local.run} and ${local.numbers.lag_seconds} > ${var.retention_hours * 1800}"
    }
    quarantine = {
      what  = "records were set aside", page = false, fires = "n > 0", seconds = 3600
      query = "${local.run} and ${local.numbers.quarantined} > 0"
    }
    deadline = {
      what  = "three runs ended because their time was up", page = false, fires = "n > 2", seconds = local.window_seconds
      query = "${local.run} and (${local.of} = 'partial' or ${local.code.timeout})"
    }
    misconfigured = {
      what  = "configuration, credentials or permissions are wrong", page = true, fires = "n > 0", seconds = 600
      query = "message like '%\"message\":\"cannot run\"%' or (${local.run} and ${local.code.misconfigured})"
    }
    silent = var.alerts.silent_hours == 0 ? null : {
      what  = "the source gave nothing in ${var.alerts.silent_hours} h", page = false, fires = "n < 1", seconds = var.alerts.silent_hours * 3600
      query = "${local.run} and ${local.numbers.in} > 0", times = local.patience
    }
    findings = var.verify == null ? null : {
      what  = "verify found something, or could not look at all", page = true, fires = "n > 0", seconds = 3600
      query = "${local.proof} and message like '%\"severity\":\"WARNING\"%'"
    }
    unproven = var.verify == null ? null : {
      # No query looks back on more than a day. Two hours without a proof are nothing,
      # a day of such hours is: one is made a day, and none before the first is due.
      what  = "verify did not run for a day, or ever", page = false, fires = "n < 1", seconds = 7200
      query = "${local.proof}", every = "1h", times = 26
    }
  } : k => merge({ every = "5m", times = 1 }, a) if a != null }
}

resource "alicloud_sls_alert" "this" {
  for_each = local.alerts

  project_name = var.log_project
  alert_name   = replace("${var.name}-${each.key}", "-", "_")
  display_name = "siemfeed ${var.name}: ${each.key}"
  description  = each.value.what

  schedule {
    type     = "FixedRate"
    interval = each.value.every
  }

  configuration {
    version          = "2.0"
    type             = "default"
    dashboard        = "internal-alert-analysis"
    threshold        = each.value.times
    no_data_fire     = true
    no_data_severity = each.value.page ? 8 : 6
    send_resolved    = true
    auto_annotation  = true

    query_list {
      store_type     = "log"
      project        = var.log_project
      region         = var.region
      store          = alicloud_log_store.own.logstore_name
      query          = "* | select count(*) as n from log where ${each.value.query}"
      time_span_type = "Relative"
      start          = "-${each.value.seconds}s"
      end            = "now"
      power_sql_mode = "disable"
    }
    group_configuration {
      type = "no_group"
    }
    severity_configurations {
      severity = each.value.page ? 8 : 6
      eval_condition {
        condition       = each.value.fires
        count_condition = ""
      }
    }
    condition_configuration {
      condition       = ""
      count_condition = ""
    }
    # To the alert management, which tells those that the policy names. It is said, as
    # what it is otherwise is not documented.
    sink_alerthub {
      enabled = true
    }
    policy_configuration {
      alert_policy_id  = "sls.builtin.dynamic" # asks the action policy that follows
      action_policy_id = each.value.page ? var.alerts.page : var.alerts.ticket
      repeat_interval  = "1h"
    }
    annotations {
      key   = "title"
      value = "siemfeed ${var.name}: ${each.value.what}"
    }
    annotations {
      key   = "desc"
      value = file("${path.module}/runbooks/${each.key}.md")
    }
  }

  # Without an index there is nothing to query.
  depends_on = [alicloud_log_store_index.own]
}

resource "alicloud_log_dashboard" "this" {
  count = var.alerts == null ? 0 : 1

  project_name   = var.log_project
  dashboard_name = "siemfeed-${var.name}"
  display_name   = "siemfeed ${var.name}"
  attribute      = jsonencode({ type = "grid" })
  char_list = jsonencode([for i, chart in local.charts : {
    title = chart.title
    type  = chart.type
    search = {
      logstore = "${var.name}-log"
      query    = "* | select ${chart.select} from log where ${chart.of} group by t order by t"
      start    = "-86400s"
      end      = "now"
    }
    display = { xAxis = ["t"], yAxis = chart.shows, xPos = (i % 2) * 10, yPos = floor(i / 2) * 8, width = 10, height = 8, displayName = chart.title }
  }])
}

locals {
  t    = "date_trunc('minute', __time__) as t"
  sums = { for f in ["in", "out", "filtered", "quarantined"] : f => "sum(${local.numbers[f]}) as \"${f}\"" }
  charts = [
    { title = "Lag of the oldest checkpoint, seconds", type = "line", of = local.run, shows = ["lag"], select = "${local.t}, max(${local.numbers.lag_seconds}) as lag" },
    { title = "Records: in = out + filtered + quarantined", type = "line", of = local.run, shows = keys(local.sums), select = join(", ", concat([local.t], values(local.sums))) },
    { title = "Runs that succeeded, and that did not", type = "column", of = local.run, shows = ["well", "failed"], select = "${local.t}, count_if(${local.of} in ('ok', 'partial', 'busy')) as well, count_if(${local.of} = 'failed') as failed" },
    { title = "Time of runs, of ${var.run_timeout_seconds} seconds", type = "line", of = local.run, shows = ["seconds"], select = "${local.t}, max(${local.numbers.seconds}) as seconds" },
    { title = "Findings of proofs", type = "column", of = local.proof, shows = ["findings"], select = "${local.t}, max(${local.numbers.findings}) as findings" },
  ]
}
