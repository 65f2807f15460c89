locals {
  namespace = "siemfeed/${var.name}"

  # What is counted in the records of the log, and what of each counts.
  counted = {
    runs          = { pattern = "{ $.message = \"run finished\" }", value = "1" }
    partial       = { pattern = "{ $.message = \"run finished\" && $.receipt.status = \"partial\" }", value = "1" }
    in            = { pattern = "{ $.message = \"run finished\" && $.receipt.in > 0 }", value = "$.receipt.in" }
    out           = { pattern = "{ $.message = \"run finished\" && $.receipt.out > 0 }", value = "$.receipt.out" }
    filtered      = { pattern = "{ $.message = \"run finished\" && $.receipt.filtered > 0 }", value = "$.receipt.filtered" }
    quarantined   = { pattern = "{ $.message = \"run finished\" && $.receipt.quarantined > 0 }", value = "$.receipt.quarantined" }
    seconds       = { pattern = "{ $.message = \"run finished\" && $.receipt.seconds > 0 }", value = "$.receipt.seconds" }
    misconfigured = { pattern = "{ $.message = \"cannot run\" || $.receipt.code = \"misconfigured\" }", value = "1" }
    proofs        = { pattern = "{ $.message = \"verify finished\" }", value = "1" }
    findings      = { pattern = "{ $.message = \"verify finished\" && $.severity = \"WARNING\" }", value = "1" }
  }

  # missing = "breaching" is what makes an alarm of something that never happened.
  alarms = var.alarms == null ? {} : {
    oldest = {
      what      = "a notice is not done after ${var.alarms.oldest_minutes} min", page = true, missing = "notBreaching"
      namespace = "AWS/SQS", metric = "ApproximateAgeOfOldestMessage", of = { QueueName = aws_sqs_queue.notices.name }
      statistic = "Maximum", period = 300, periods = 3, above = var.alarms.oldest_minutes * 60
    }
    retention = {
      what      = "notices are half as old as the queue keeps them (${local.retention_seconds / 86400} d): loss with a date", page = true, missing = "notBreaching"
      namespace = "AWS/SQS", metric = "ApproximateAgeOfOldestMessage", of = { QueueName = aws_sqs_queue.notices.name }
      statistic = "Maximum", period = 300, periods = 1, above = local.retention_seconds / 2
    }
    dead-letters = {
      what      = "notices were given up", page = true, missing = "notBreaching"
      namespace = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible", of = { QueueName = aws_sqs_queue.dead.name }
      statistic = "Maximum", period = 300, periods = 1, above = 0
    }
    errors = {
      what      = "invocations fail", page = false, missing = "notBreaching"
      namespace = "AWS/Lambda", metric = "Errors", of = { FunctionName = aws_lambda_function.this.function_name }
      statistic = "Sum", period = 900, periods = 3, above = 0
    }
    throttles = {
      what      = "invocations are throttled", page = false, missing = "notBreaching"
      namespace = "AWS/Lambda", metric = "Throttles", of = { FunctionName = aws_lambda_function.this.function_name }
      statistic = "Sum", period = 900, periods = 3, above = 0
    }
    misconfigured = {
      what      = "configuration, credentials or permissions are wrong", page = true, missing = "notBreaching"
      namespace = local.namespace, metric = "misconfigured", of = {}
      statistic = "Sum", period = 300, periods = 1, above = 0
    }
    quarantine = {
      what      = "objects or records were set aside", page = false, missing = "notBreaching"
      namespace = local.namespace, metric = "quarantined", of = {}
      statistic = "Sum", period = 3600, periods = 1, above = 0
    }
    deadline = {
      what      = "runs end because their time is up", page = false, missing = "notBreaching"
      namespace = local.namespace, metric = "partial", of = {}
      statistic = "Sum", period = 3600, periods = 1, above = 2
    }
    findings = {
      what      = "verify found something, or could not look at all", page = true, missing = "notBreaching"
      namespace = local.namespace, metric = "findings", of = {}
      statistic = "Sum", period = 3600, periods = 1, above = 0
    }
    unproven = {
      what      = "verify did not run for two days, or ever", page = false, missing = "breaching"
      namespace = local.namespace, metric = "proofs", of = {}
      statistic = "Sum", period = 86400, periods = 2, above = null
    }
    silent = {
      what      = "no object came in ${var.alarms.silent_hours} h, or ever", page = false, missing = "breaching"
      namespace = local.namespace, metric = "runs", of = {}
      statistic = "Sum", period = 3600, periods = max(var.alarms.silent_hours, 1), above = null
    }
  }
  left_out = concat(var.verify == null ? ["findings", "unproven"] : [], try(var.alarms.silent_hours, 0) == 0 ? ["silent"] : [])
}

resource "aws_cloudwatch_log_metric_filter" "this" {
  for_each = var.alarms == null ? {} : local.counted

  name           = "${var.name}-${each.key}"
  log_group_name = aws_cloudwatch_log_group.this.name
  pattern        = each.value.pattern

  metric_transformation {
    namespace = local.namespace
    name      = each.key
    value     = each.value.value
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = { for k, a in local.alarms : k => a if !contains(local.left_out, k) }

  alarm_name        = "siemfeed ${var.name}: ${each.key}"
  alarm_description = "${each.value.what}. ${file("${path.module}/runbooks/${each.key}.md")}"
  alarm_actions     = each.value.page ? var.alarms.page : var.alarms.ticket
  ok_actions        = each.value.page ? var.alarms.page : var.alarms.ticket

  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.of
  statistic           = each.value.statistic
  period              = each.value.period
  evaluation_periods  = each.value.periods
  comparison_operator = each.value.above == null ? "LessThanThreshold" : "GreaterThanThreshold"
  threshold           = each.value.above == null ? 1 : each.value.above
  treat_missing_data  = each.value.missing
}

locals {
  own = { for m in keys(local.counted) : m => [local.namespace, m] }

  widgets = [
    { title = "Freshness: age of the oldest notice, seconds", stat = "Maximum", stacked = false, metrics = [["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", var.name]] },
    { title = "Records: in = out + filtered + quarantined", stat = "Sum", stacked = true, metrics = [local.own.in, local.own.out, local.own.filtered, local.own.quarantined] },
    { title = "Notices that wait, and dead letters", stat = "Maximum", stacked = false, metrics = [["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", var.name], ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "${var.name}-dead"]] },
    { title = "Errors, throttles, misconfigured", stat = "Sum", stacked = false, metrics = [["AWS/Lambda", "Errors", "FunctionName", var.name], ["AWS/Lambda", "Throttles", "FunctionName", var.name], local.own.misconfigured] },
    { title = "Time of runs against ${local.run_timeout_seconds} s, seconds", stat = "Maximum", stacked = false, metrics = [local.own.seconds] },
    { title = "Proofs, and those with findings", stat = "Sum", stacked = false, metrics = [local.own.proofs, local.own.findings] },
  ]
}

resource "aws_cloudwatch_dashboard" "this" {
  count = var.alarms == null ? 0 : 1

  dashboard_name = "siemfeed-${var.name}"
  dashboard_body = jsonencode({
    widgets = [for i, w in local.widgets : {
      type       = "metric", x = (i % 2) * 12, y = floor(i / 2) * 6, width = 12, height = 6
      properties = { title = w.title, stat = w.stat, stacked = w.stacked, period = 300, region = var.region, view = "timeSeries", metrics = w.metrics }
    }]
  })
}
