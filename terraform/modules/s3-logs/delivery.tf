# Lambda deletes from a queue what a batch did, and leaves what it names as failed.
resource "aws_sqs_queue" "notices" {
  name                       = var.name
  message_retention_seconds  = local.retention_seconds
  visibility_timeout_seconds = 6 * var.timeout_seconds # as AWS advises for Lambda
  sqs_managed_sse_enabled    = true

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead.arn
    maxReceiveCount     = var.max_receives
  })
}

resource "aws_sqs_queue" "dead" {
  name                      = "${var.name}-dead"
  message_retention_seconds = local.retention_seconds
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue_redrive_allow_policy" "dead" {
  queue_url = aws_sqs_queue.dead.url
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.notices.arn]
  })
}

resource "aws_lambda_event_source_mapping" "notices" {
  event_source_arn = aws_sqs_queue.notices.arn
  function_name    = aws_lambda_function.this.arn
  batch_size       = var.batch_size
  # One object that fails does not bring back the others of its batch.
  function_response_types = ["ReportBatchItemFailures"]

  scaling_config {
    maximum_concurrency = var.max_concurrency
  }
}

locals {
  retention_seconds = 1209600 # 14 days, the longest there is
}

# A bucket has one notification configuration, and setting it replaces what others
# have set. So only a bucket that is made here notifies the queue itself; one that
# is there has EventBridge turned on, which takes nothing from anybody.
resource "aws_s3_bucket_notification" "source" {
  count = var.source_bucket.exists ? 0 : 1

  bucket = aws_s3_bucket.this["source"].bucket
  queue {
    queue_arn     = aws_sqs_queue.notices.arn
    events        = ["s3:ObjectCreated:*"]
    filter_prefix = var.source_bucket.prefix
    filter_suffix = var.source_bucket.suffix
  }

  # S3 tries the queue when this is set.
  depends_on = [aws_sqs_queue_policy.notices]
}

resource "aws_cloudwatch_event_rule" "source" {
  count = var.source_bucket.exists ? 1 : 0

  name        = var.name
  description = "New logs in ${local.names.source}"
  event_pattern = jsonencode({
    source      = ["aws.s3"]
    detail-type = ["Object Created"]
    detail = {
      bucket = { name = [local.names.source] }
      object = { key = [{ wildcard = "${var.source_bucket.prefix}*${var.source_bucket.suffix}" }] }
    }
  })
}

resource "aws_cloudwatch_event_target" "source" {
  count = var.source_bucket.exists ? 1 : 0

  rule      = aws_cloudwatch_event_rule.source[0].name
  target_id = "notices"
  arn       = aws_sqs_queue.notices.arn

  depends_on = [aws_sqs_queue_policy.notices]
}

resource "aws_scheduler_schedule" "verify" {
  count = var.verify == null ? 0 : 1

  name                         = "${var.name}-verify"
  description                  = "Has ${var.name} prove that nothing is missing"
  schedule_expression          = var.verify.schedule
  schedule_expression_timezone = "UTC"

  flexible_time_window {
    mode = "OFF"
  }
  target {
    arn      = aws_lambda_function.this.arn
    role_arn = aws_iam_role.verify[0].arn
    input    = jsonencode({ verify = {} })
    retry_policy {
      maximum_retry_attempts       = 2
      maximum_event_age_in_seconds = 3600
    }
  }
}
