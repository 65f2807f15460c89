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

run "what_the_function_may" {
  command = apply

  assert {
    condition = { for s in jsondecode(aws_iam_role_policy.run.policy).Statement : s.Sid => [s.Action, s.Resource] } == {
      List    = [["s3:ListBucket"], ["arn:aws:s3:::acme-logpush", "arn:aws:s3:::acme-alog-csv", "arn:aws:s3:::acme-alog-state"]]
      Source  = [["s3:GetObject"], ["arn:aws:s3:::acme-logpush/gateway/*"]]
      Csv     = [["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"], ["arn:aws:s3:::acme-alog-csv/*"]]
      State   = [["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"], ["arn:aws:s3:::acme-alog-state/*"]]
      Notices = [["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], ["arn:aws:sqs:eu-central-1:123456789012:csv"]]
      Log     = [["logs:CreateLogStream", "logs:PutLogEvents"], ["arn:aws:logs:eu-central-1:123456789012:log-group:/aws/lambda/csv:*"]]
    }
    error_message = "the function may do more or less than it needs"
  }
  assert {
    condition     = aws_iam_role_policy.run.role == "csv-run" && jsondecode(aws_iam_role.run.assume_role_policy).Statement == [{ Effect = "Allow", Principal = { Service = "lambda.amazonaws.com" }, Action = "sts:AssumeRole" }]
    error_message = "another than Lambda may be the function, or its rights are another's"
  }
}

run "keys_only_where_asked_for" {
  command = apply

  variables {
    kms_key_arns = ["arn:aws:kms:eu-central-1:123456789012:key/1"]
  }
  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.run.policy).Statement : [s.Action, s.Resource] if s.Sid == "Keys"] == [[["kms:Decrypt", "kms:GenerateDataKey"], ["arn:aws:kms:eu-central-1:123456789012:key/1"]]]
    error_message = "the function may use other keys"
  }
}

run "who_may_trigger" {
  command = apply

  assert {
    condition     = jsondecode(aws_iam_role_policy.verify[0].policy).Statement == [{ Sid = "Invoke", Effect = "Allow", Action = ["lambda:InvokeFunction"], Resource = ["arn:aws:lambda:eu-central-1:123456789012:function:csv"] }] && aws_iam_role_policy.verify[0].role == "csv-verify"
    error_message = "the schedule may do more than invoke this function"
  }
  assert {
    condition     = jsondecode(aws_iam_role.verify[0].assume_role_policy).Statement[0].Principal == { Service = "scheduler.amazonaws.com" } && jsondecode(aws_iam_role.verify[0].assume_role_policy).Statement[0].Condition == { StringEquals = { "aws:SourceAccount" = "123456789012" } }
    error_message = "schedules of other accounts may use the role"
  }
  assert {
    condition     = aws_sqs_queue_policy.notices.queue_url == "https://sqs/csv" && jsondecode(aws_sqs_queue_policy.notices.policy).Statement == [{ Sid = "Notices", Effect = "Allow", Principal = { Service = "s3.amazonaws.com" }, Action = "sqs:SendMessage", Resource = "arn:aws:sqs:eu-central-1:123456789012:csv", Condition = { ArnEquals = { "aws:SourceArn" = "arn:aws:s3:::acme-logpush" }, StringEquals = { "aws:SourceAccount" = "123456789012" } } }]
    error_message = "others than this bucket of this account may send notices"
  }
}

run "nothing_is_public" {
  command = apply

  assert {
    condition     = keys(aws_s3_bucket_public_access_block.this) == keys(aws_s3_bucket.this) && alltrue([for k, b in aws_s3_bucket_public_access_block.this : b.bucket == aws_s3_bucket.this[k].bucket && b.block_public_acls && b.block_public_policy && b.ignore_public_acls && b.restrict_public_buckets])
    error_message = "a bucket could be made public"
  }
  assert {
    condition     = alltrue([for k, c in aws_s3_bucket_ownership_controls.this : c.rule[0].object_ownership == "BucketOwnerEnforced" && c.bucket == aws_s3_bucket.this[k].bucket])
    error_message = "objects could belong to others"
  }
  assert {
    condition     = aws_sqs_queue.notices.sqs_managed_sse_enabled == true && aws_sqs_queue.dead.sqs_managed_sse_enabled == true
    error_message = "a queue is not encrypted"
  }
}

run "state_source_and_target_are_apart" {
  command = apply

  assert {
    condition     = length(toset([output.csv_bucket, output.state_bucket, var.source_bucket.name])) == 3 && output.csv_bucket == "acme-alog-csv" && output.state_bucket == "acme-alog-state"
    error_message = "what is written would be notified of, or read by the SIEM"
  }
}
