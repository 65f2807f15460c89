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

run "valid" {
  command = plan
}

run "region_that_is_a_zone" {
  command = plan
  variables {
    region = "eu-central-1a"
  }
  expect_failures = [var.region]
}

run "name_of_41" {
  command = plan
  variables {
    name = "a2345678901234567890123456789012345678901"
  }
  expect_failures = [var.name]
}

run "source_bucket_in_capitals" {
  command = plan
  variables {
    source_bucket = { name = "Acme" }
  }
  expect_failures = [var.source_bucket]
}

run "prefix_without_a_slash" {
  command = plan
  variables {
    source_bucket = { name = "acme", prefix = "logs" }
  }
  expect_failures = [var.source_bucket]
}

run "source_gone_before_it_is_read" {
  command = plan
  variables {
    source_bucket = { name = "acme", expire_days = 6 }
  }
  expect_failures = [var.source_bucket]
}

run "bucket_prefix_of_58" {
  command = plan
  variables {
    bucket_prefix = "a234567890123456789012345678901234567890123456789012345678"
  }
  expect_failures = [var.bucket_prefix]
}

run "target_is_the_source" {
  command = plan
  variables {
    source_bucket = { name = "acme-alog-csv" }
  }
  expect_failures = [var.bucket_prefix]
}

run "csv_gone_before_it_is_read" {
  command = plan
  variables {
    csv_expire_days = 6
  }
  expect_failures = [var.csv_expire_days]
}

run "receipts_gone_too_soon" {
  command = plan
  variables {
    receipt_days = 6
  }
  expect_failures = [var.receipt_days]
}

run "memory_of_128" {
  command = plan
  variables {
    memory_mb = 128
  }
  expect_failures = [var.memory_mb]
}

run "sixteen_minutes" {
  command = plan
  variables {
    timeout_seconds = 960
  }
  expect_failures = [var.timeout_seconds]
}

run "batch_of_eleven" {
  command = plan
  variables {
    batch_size = 11
  }
  expect_failures = [var.batch_size]
}

run "one_at_a_time" {
  command = plan
  variables {
    max_concurrency = 1
  }
  expect_failures = [var.max_concurrency]
}

run "four_receives" {
  command = plan
  variables {
    max_receives = 4
  }
  expect_failures = [var.max_receives]
}

run "state_elsewhere" {
  command = plan
  variables {
    environment = { STATE_URL = "s3://elsewhere" }
  }
  expect_failures = [var.environment]
}

run "key_by_its_alias" {
  command = plan
  variables {
    kms_key_arns = ["alias/logs"]
  }
  expect_failures = [var.kms_key_arns]
}

run "proof_every_minute" {
  command = plan
  variables {
    verify = { schedule = "rate(1 minute)" }
  }
  expect_failures = [var.verify]
}

run "topic_by_its_name" {
  command = plan
  variables {
    alarms = { page = ["on-call"] }
  }
  expect_failures = [var.alarms]
}

run "alarm_before_the_first_retry" {
  command = plan
  variables {
    alarms = { oldest_minutes = 90 }
  }
  expect_failures = [var.alarms]
}

run "silence_of_nine_days" {
  command = plan
  variables {
    alarms = { silent_hours = 216 }
  }
  expect_failures = [var.alarms]
}

run "log_of_eight_days" {
  command = plan
  variables {
    log_days = 8
  }
  expect_failures = [var.log_days]
}
