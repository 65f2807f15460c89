mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

variables {
  region        = "eu-central-1"
  source_bucket = { name = "acme-logpush", prefix = "gateway/" }
  bucket_prefix = "acme-alog"
  archive       = "tests/testdata/function.zip"
}

run "logs_that_are_csv_go_through" {
  command = apply

  assert {
    condition     = module.logs.environment == { SOURCE_URL = "s3://acme-logpush?region=eu-central-1&prefix=gateway/", DEST_URL = "s3://acme-alog-csv?region=eu-central-1", STATE_URL = "s3://acme-alog-state?region=eu-central-1", RUN_TIMEOUT = "840s", CSV_HEADER = "false" }
    error_message = "the function gets other variables"
  }
  assert {
    condition     = module.logs.function_name == "gunzipcsv" && output.csv_bucket == "acme-alog-csv"
    error_message = "the function or the bucket has another name"
  }
}

run "without_alarms" {
  command = apply
  variables {
    alarms = null
    verify = null
  }
  assert {
    condition     = output.dashboard_url == null && strcontains(output.next_steps, "set alarms")
    error_message = "nobody is told that nobody is told"
  }
}
