# package: lambda gunzipcsv

module "logs" {
  source = "../../modules/s3-logs"

  region          = var.region
  name            = var.name
  source_bucket   = var.source_bucket
  bucket_prefix   = var.bucket_prefix
  csv_expire_days = var.csv_expire_days
  receipt_days    = var.receipt_days
  archive         = coalesce(var.archive, "${path.root}/../../../dist/gunzipcsv-lambda-arm64.zip")
  memory_mb       = var.memory_mb
  timeout_seconds = var.timeout_seconds
  max_concurrency = var.max_concurrency
  kms_key_arns    = var.kms_key_arns
  verify          = var.verify
  alarms          = var.alarms
  environment     = local.environment
}

locals {
  environment = merge(var.settings, { CSV_HEADER = tostring(var.csv.header) }, length(var.csv.columns) == 0 ? {} : {
    CSV_COLUMNS = join(",", var.csv.columns)
  })
}
