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

run "state_source_and_target_are_apart" {
  command = apply

  assert {
    condition     = length(toset([module.logs.csv_bucket, module.logs.state_bucket, var.source_bucket.name])) == 3
    error_message = "what is written would be notified of, or read by the SIEM"
  }
}

run "no_secret_is_needed" {
  command = apply

  assert {
    condition     = length([for k in keys(module.logs.environment) : k if can(regex("(KEY|SECRET|TOKEN)", k))]) == 0
    error_message = "the function is given a secret in the open"
  }
}
