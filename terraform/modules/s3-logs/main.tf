data "aws_caller_identity" "this" {}
data "aws_partition" "this" {}

locals {
  arn    = { for k, name in local.names : k => "arn:${data.aws_partition.this.partition}:s3:::${name}" }
  names  = { source = var.source_bucket.name, csv = "${var.bucket_prefix}-csv", state = "${var.bucket_prefix}-state" }
  region = "?region=${var.region}"
  prefix = var.source_bucket.prefix == "" ? "" : "&prefix=${var.source_bucket.prefix}"

  run_timeout_seconds = var.timeout_seconds - 60

  environment = merge(var.environment, {
    SOURCE_URL  = "s3://${local.names.source}${local.region}${local.prefix}"
    DEST_URL    = "s3://${local.names.csv}${local.region}"
    STATE_URL   = "s3://${local.names.state}${local.region}"
    RUN_TIMEOUT = "${local.run_timeout_seconds}s"
  })
}

resource "aws_lambda_function" "this" {
  function_name = var.name
  description   = "siemfeed: gunzipcsv"
  role          = aws_iam_role.run.arn

  runtime       = "provided.al2023"
  handler       = "bootstrap"
  architectures = ["arm64"]
  memory_size   = var.memory_mb
  timeout       = var.timeout_seconds

  filename         = var.archive
  source_code_hash = filebase64sha256(var.archive)

  environment {
    variables = local.environment
  }
  logging_config {
    log_format = "Text" # the function's own records are JSON already
    log_group  = aws_cloudwatch_log_group.this.name
  }

  depends_on = [aws_iam_role_policy.run]
}

# Made here, so that it is not kept for ever, and the function need not be allowed
# to make it.
resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.log_days
}
