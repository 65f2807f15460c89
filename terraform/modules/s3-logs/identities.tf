resource "aws_iam_role" "run" {
  name        = "${var.name}-run"
  description = "Runs ${var.name}"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { Service = "lambda.amazonaws.com" }, Action = "sts:AssumeRole" }]
  })
}

resource "aws_iam_role_policy" "run" {
  name = "run"
  role = aws_iam_role.run.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      # Without ListBucket an object that is gone looks like one that is forbidden.
      { Sid = "List", Effect = "Allow", Action = ["s3:ListBucket"], Resource = [local.arn.source, local.arn.csv, local.arn.state] },
      { Sid = "Source", Effect = "Allow", Action = ["s3:GetObject"], Resource = ["${local.arn.source}/${var.source_bucket.prefix}*"] },
      { Sid = "Csv", Effect = "Allow", Action = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"], Resource = ["${local.arn.csv}/*"] },
      { Sid = "State", Effect = "Allow", Action = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"], Resource = ["${local.arn.state}/*"] },
      { Sid = "Notices", Effect = "Allow", Action = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], Resource = [aws_sqs_queue.notices.arn] },
      { Sid = "Log", Effect = "Allow", Action = ["logs:CreateLogStream", "logs:PutLogEvents"], Resource = ["${aws_cloudwatch_log_group.this.arn}:*"] },
      ], length(var.kms_key_arns) == 0 ? [] : [
      { Sid = "Keys", Effect = "Allow", Action = ["kms:Decrypt", "kms:GenerateDataKey"], Resource = var.kms_key_arns },
    ])
  })
}

resource "aws_iam_role" "verify" {
  count = var.verify == null ? 0 : 1

  name        = "${var.name}-verify"
  description = "Asks ${var.name} for its proof"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "scheduler.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.this.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "verify" {
  count = var.verify == null ? 0 : 1

  name = "invoke"
  role = aws_iam_role.verify[0].name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Sid = "Invoke", Effect = "Allow", Action = ["lambda:InvokeFunction"], Resource = [aws_lambda_function.this.arn] }]
  })
}

# Only this bucket of this account, or the rule for it, may send notices.
resource "aws_sqs_queue_policy" "notices" {
  queue_url = aws_sqs_queue.notices.url
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Notices"
      Effect    = "Allow"
      Principal = { Service = var.source_bucket.exists ? "events.amazonaws.com" : "s3.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.notices.arn
      Condition = {
        ArnEquals    = { "aws:SourceArn" = var.source_bucket.exists ? aws_cloudwatch_event_rule.source[0].arn : local.arn.source }
        StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.this.account_id }
      }
    }]
  })
}
