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

run "notices_reach_the_function" {
  command = apply

  assert {
    condition     = aws_s3_bucket_notification.source[0].bucket == "acme-logpush" && aws_s3_bucket_notification.source[0].queue[0].queue_arn == "arn:aws:sqs:eu-central-1:123456789012:csv" && aws_s3_bucket_notification.source[0].queue[0].events == toset(["s3:ObjectCreated:*"]) && aws_s3_bucket_notification.source[0].queue[0].filter_prefix == "gateway/" && aws_s3_bucket_notification.source[0].queue[0].filter_suffix == ".gz"
    error_message = "the bucket does not notify the queue of new logs"
  }
  assert {
    condition     = aws_lambda_event_source_mapping.notices.event_source_arn == "arn:aws:sqs:eu-central-1:123456789012:csv" && aws_lambda_event_source_mapping.notices.function_name == "arn:aws:lambda:eu-central-1:123456789012:function:csv"
    error_message = "the queue does not trigger the function"
  }
  assert {
    condition     = aws_lambda_event_source_mapping.notices.function_response_types == toset(["ReportBatchItemFailures"]) && aws_lambda_event_source_mapping.notices.batch_size == 10 && aws_lambda_event_source_mapping.notices.scaling_config[0].maximum_concurrency == 5
    error_message = "one object that fails would bring back the others, or batches are others"
  }
  assert {
    condition     = jsondecode(aws_sqs_queue.notices.redrive_policy) == { deadLetterTargetArn = "arn:aws:sqs:eu-central-1:123456789012:csv-dead", maxReceiveCount = 10 }
    error_message = "what fails for good does not get to the dead letters"
  }
  assert {
    condition     = aws_sqs_queue_redrive_allow_policy.dead.queue_url == "https://sqs/csv-dead" && jsondecode(aws_sqs_queue_redrive_allow_policy.dead.redrive_allow_policy) == { redrivePermission = "byQueue", sourceQueueArns = ["arn:aws:sqs:eu-central-1:123456789012:csv"] }
    error_message = "other queues may use the dead letters"
  }
}

run "the_function_knows_where_from_and_where_to" {
  command = apply

  variables {
    environment = { CSV_COLUMNS = "Datetime,URL" }
  }
  assert {
    condition     = aws_lambda_function.this.environment[0].variables == tomap({ SOURCE_URL = "s3://acme-logpush?region=eu-central-1&prefix=gateway/", DEST_URL = "s3://acme-alog-csv?region=eu-central-1", STATE_URL = "s3://acme-alog-state?region=eu-central-1", RUN_TIMEOUT = "840s", CSV_COLUMNS = "Datetime,URL" })
    error_message = "the function gets other variables"
  }
  assert {
    condition     = aws_lambda_function.this.source_code_hash == filebase64sha256("tests/testdata/function.zip") && aws_lambda_function.this.filename == "tests/testdata/function.zip" && aws_lambda_function.this.role == "arn:aws:iam::123456789012:role/run"
    error_message = "a changed archive would not be deployed, or it runs by another role"
  }
}

run "another_archive_is_deployed" {
  command = plan
  variables {
    archive = "tests/testdata/changed.zip"
  }
  assert {
    condition     = aws_lambda_function.this.source_code_hash == filebase64sha256("tests/testdata/changed.zip")
    error_message = "a changed archive is not deployed"
  }
}

run "a_bucket_that_is_there" {
  command = apply

  variables {
    source_bucket = { name = "their-logs", exists = true, prefix = "cf/", suffix = ".log.gz" }
  }
  assert {
    condition     = keys(aws_s3_bucket.this) == ["csv", "state"] && length(aws_s3_bucket_notification.source) == 0
    error_message = "their bucket would be made, or its notifications replaced"
  }
  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.source[0].event_pattern) == { source = ["aws.s3"], detail-type = ["Object Created"], detail = { bucket = { name = ["their-logs"] }, object = { key = [{ wildcard = "cf/*.log.gz" }] } } }
    error_message = "EventBridge looks for something else"
  }
  assert {
    condition     = aws_cloudwatch_event_target.source[0].rule == "csv" && aws_cloudwatch_event_target.source[0].arn == "arn:aws:sqs:eu-central-1:123456789012:csv"
    error_message = "events go elsewhere"
  }
  assert {
    condition     = jsondecode(aws_sqs_queue_policy.notices.policy).Statement[0].Principal.Service == "events.amazonaws.com" && jsondecode(aws_sqs_queue_policy.notices.policy).Statement[0].Condition.ArnEquals["aws:SourceArn"] == "arn:aws:events:eu-central-1:123456789012:rule/csv"
    error_message = "EventBridge may not send, or others may"
  }
}

run "the_daily_proof" {
  command = apply

  assert {
    condition     = aws_scheduler_schedule.verify[0].schedule_expression == "cron(17 5 * * ? *)" && aws_scheduler_schedule.verify[0].schedule_expression_timezone == "UTC" && aws_scheduler_schedule.verify[0].flexible_time_window[0].mode == "OFF"
    error_message = "the proof is not daily"
  }
  assert {
    condition     = aws_scheduler_schedule.verify[0].target[0].arn == "arn:aws:lambda:eu-central-1:123456789012:function:csv" && aws_scheduler_schedule.verify[0].target[0].role_arn == "arn:aws:iam::123456789012:role/verify" && aws_scheduler_schedule.verify[0].target[0].input == "{\"verify\":{}}"
    error_message = "something else is asked, or of somebody else"
  }
}

run "alarms_read_the_records" {
  command = apply

  assert {
    condition     = { for k, f in aws_cloudwatch_log_metric_filter.this : k => [f.pattern, f.metric_transformation[0].value] } == { filtered = ["{ $.message = \"run finished\" && $.receipt.filtered > 0 }", "$.receipt.filtered"], findings = ["{ $.message = \"verify finished\" && $.severity = \"WARNING\" }", "1"], in = ["{ $.message = \"run finished\" && $.receipt.in > 0 }", "$.receipt.in"], misconfigured = ["{ $.message = \"cannot run\" || $.receipt.code = \"misconfigured\" }", "1"], out = ["{ $.message = \"run finished\" && $.receipt.out > 0 }", "$.receipt.out"], partial = ["{ $.message = \"run finished\" && $.receipt.status = \"partial\" }", "1"], proofs = ["{ $.message = \"verify finished\" }", "1"], quarantined = ["{ $.message = \"run finished\" && $.receipt.quarantined > 0 }", "$.receipt.quarantined"], runs = ["{ $.message = \"run finished\" }", "1"], seconds = ["{ $.message = \"run finished\" && $.receipt.seconds > 0 }", "$.receipt.seconds"] }
    error_message = "something else is counted"
  }
  assert {
    condition     = alltrue([for k, f in aws_cloudwatch_log_metric_filter.this : f.log_group_name == "/aws/lambda/csv" && f.metric_transformation[0].namespace == "siemfeed/csv" && f.metric_transformation[0].name == k])
    error_message = "another log is read, or counted under another name"
  }
  assert {
    condition     = alltrue([for k, m in { quarantine = "quarantined", deadline = "partial", findings = "findings", unproven = "proofs", silent = "runs", misconfigured = "misconfigured" } : aws_cloudwatch_metric_alarm.this[k].namespace == "siemfeed/csv" && aws_cloudwatch_metric_alarm.this[k].metric_name == m && contains(keys(aws_cloudwatch_log_metric_filter.this), m)])
    error_message = "an alarm reads a metric that is not there"
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.this["oldest"].dimensions == tomap({ QueueName = "csv" }) && aws_cloudwatch_metric_alarm.this["oldest"].threshold == 7200 && aws_cloudwatch_metric_alarm.this["retention"].threshold == 604800 && aws_cloudwatch_metric_alarm.this["dead-letters"].dimensions == tomap({ QueueName = "csv-dead" })
    error_message = "the age of notices, or dead letters, are read elsewhere"
  }
  assert {
    condition     = [for k, a in aws_cloudwatch_metric_alarm.this : k if a.alarm_actions == toset(["arn:aws:sns:eu-central-1:123456789012:page"])] == ["dead-letters", "findings", "misconfigured", "oldest", "retention"]
    error_message = "somebody is woken for what can wait, or not for what cannot"
  }
  assert {
    condition     = length(jsondecode(aws_cloudwatch_dashboard.this[0].dashboard_body).widgets) == 6 && alltrue([for w in jsondecode(aws_cloudwatch_dashboard.this[0].dashboard_body).widgets : w.properties.region == "eu-central-1"])
    error_message = "the dashboard shows something else"
  }
}
