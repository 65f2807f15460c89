mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  # One ARN for all would hide that two are mixed up.
  override_resource {
    target = aws_iam_role.run
    values = { arn = "arn:aws:iam::123456789012:role/run" }
  }
  override_resource {
    target = aws_iam_role.verify
    values = { arn = "arn:aws:iam::123456789012:role/verify" }
  }
  override_resource {
    target = aws_sqs_queue.notices
    values = { arn = "arn:aws:sqs:eu-central-1:123456789012:csv", url = "https://sqs/csv" }
  }
  override_resource {
    target = aws_sqs_queue.dead
    values = { arn = "arn:aws:sqs:eu-central-1:123456789012:csv-dead", url = "https://sqs/csv-dead" }
  }
  override_resource {
    target = aws_lambda_function.this
    values = { arn = "arn:aws:lambda:eu-central-1:123456789012:function:csv" }
  }
  override_resource {
    target = aws_cloudwatch_log_group.this
    values = { arn = "arn:aws:logs:eu-central-1:123456789012:log-group:/aws/lambda/csv" }
  }
  override_resource {
    target = aws_cloudwatch_event_rule.source
    values = { arn = "arn:aws:events:eu-central-1:123456789012:rule/csv" }
  }
}

variables {
  region        = "eu-central-1"
  name          = "csv"
  source_bucket = { name = "acme-logpush", prefix = "gateway/", expire_days = 30 }
  bucket_prefix = "acme-alog"
  archive       = "tests/testdata/function.zip"
  alarms = {
    page   = ["arn:aws:sns:eu-central-1:123456789012:page"]
    ticket = ["arn:aws:sns:eu-central-1:123456789012:ticket"]
  }
}

run "what_costs_money_or_data" {
  command = apply

  assert {
    condition     = aws_lambda_function.this.runtime == "provided.al2023" && aws_lambda_function.this.handler == "bootstrap" && aws_lambda_function.this.architectures == tolist(["arm64"]) && aws_lambda_function.this.memory_size == 1792
    error_message = "the function runs otherwise"
  }
  assert {
    condition     = aws_sqs_queue.notices.message_retention_seconds == 1209600 && aws_sqs_queue.dead.message_retention_seconds == 1209600
    error_message = "notices or dead letters are kept for less than there is"
  }
  assert {
    condition     = keys(aws_s3_bucket.this) == ["csv", "source", "state"] && alltrue([for b in aws_s3_bucket.this : b.force_destroy == false])
    error_message = "destroy would take logs or state along"
  }
  assert {
    condition     = aws_cloudwatch_log_group.this.retention_in_days == 90 && aws_cloudwatch_log_group.this.name == "/aws/lambda/csv" && aws_lambda_function.this.logging_config[0].log_group == "/aws/lambda/csv"
    error_message = "the log is kept for ever, or is another"
  }
}

run "only_receipts_of_the_state_age" {
  command = apply

  assert {
    condition     = [for r in aws_s3_bucket_lifecycle_configuration.this["state"].rule : [r.filter[0].prefix, try(r.expiration[0].days, 0)]] == [["", 0], ["gunzipcsv/receipts/", 400], ["gunzipcsv/verify/", 400]]
    error_message = "something else than receipts would be removed by age"
  }
  assert {
    condition     = [for r in aws_s3_bucket_lifecycle_configuration.this["csv"].rule : [r.filter[0].prefix, try(r.expiration[0].days, 0)]] == [["", 0], ["", 90]] && [for r in aws_s3_bucket_lifecycle_configuration.this["source"].rule : try(r.expiration[0].days, 0)] == [0, 30]
    error_message = "logs are removed at another age"
  }
  assert {
    condition     = alltrue([for l in aws_s3_bucket_lifecycle_configuration.this : l.rule[0].abort_incomplete_multipart_upload[0].days_after_initiation == 7])
    error_message = "broken uploads stay for ever"
  }
}

run "the_table_of_timeouts" {
  command = apply

  variables {
    timeout_seconds = 300
  }
  assert {
    condition     = aws_lambda_function.this.timeout == 300 && output.environment.RUN_TIMEOUT == "240s" && aws_sqs_queue.notices.visibility_timeout_seconds == 1800
    error_message = "RUN_TIMEOUT is not a minute less than the function's time, or the queue's not six times as much"
  }
}

run "every_alarm_is_there" {
  command = apply

  assert {
    condition     = keys(aws_cloudwatch_metric_alarm.this) == ["dead-letters", "deadline", "errors", "findings", "misconfigured", "oldest", "quarantine", "retention", "silent", "throttles", "unproven"]
    error_message = "an alarm is missing, or there is one nobody knows of"
  }
  assert {
    condition     = alltrue([for a in aws_cloudwatch_metric_alarm.this : strcontains(a.alarm_description, "Means: ") && strcontains(a.alarm_description, "Do: ") && length(a.alarm_description) <= 1024])
    error_message = "an alarm has no runbook, or a longer one than CloudWatch takes"
  }
  assert {
    condition     = alltrue([for k in ["silent", "unproven"] : aws_cloudwatch_metric_alarm.this[k].treat_missing_data == "breaching" && aws_cloudwatch_metric_alarm.this[k].comparison_operator == "LessThanThreshold"])
    error_message = "what never happened would be no alarm"
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.this["unproven"].period * aws_cloudwatch_metric_alarm.this["unproven"].evaluation_periods == 172800 && aws_cloudwatch_metric_alarm.this["silent"].period * aws_cloudwatch_metric_alarm.this["silent"].evaluation_periods == 86400
    error_message = "two days without proof, or one without objects, are no alarm"
  }
}

run "what_is_not_asked_for" {
  command = apply

  variables {
    alarms = null
    verify = null
  }
  assert {
    condition     = length(aws_cloudwatch_metric_alarm.this) == 0 && length(aws_cloudwatch_log_metric_filter.this) == 0 && length(aws_cloudwatch_dashboard.this) == 0 && length(aws_scheduler_schedule.verify) == 0 && length(aws_iam_role.verify) == 0 && output.dashboard_url == null
    error_message = "what was left out is there"
  }
}

run "silence_is_no_alarm_and_the_source_is_kept" {
  command = apply

  variables {
    source_bucket = { name = "acme-logpush" }
    alarms        = { silent_hours = 0 }
  }
  assert {
    condition     = !contains(keys(aws_cloudwatch_metric_alarm.this), "silent") && contains(keys(aws_cloudwatch_metric_alarm.this), "unproven")
    error_message = "silence is an alarm though it was left out"
  }
  assert {
    condition     = length(aws_s3_bucket_lifecycle_configuration.this["source"].rule) == 1
    error_message = "logs are removed though no age was given"
  }
}
