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

run "columns_and_settings_reach_the_function" {
  command = apply

  variables {
    csv      = { columns = ["Datetime", "URL"], header = true }
    settings = { MAX_RATIO = "1000" }
  }
  assert {
    condition     = module.logs.environment.CSV_COLUMNS == "Datetime,URL" && module.logs.environment.CSV_HEADER == "true" && module.logs.environment.MAX_RATIO == "1000"
    error_message = "the function gets other columns or settings"
  }
}

run "what_to_do_next" {
  command = apply

  variables {
    source_bucket = { name = "their-logs", exists = true }
    alarms        = { page = ["arn:aws:sns:eu-central-1:123456789012:page"] }
  }
  assert {
    condition     = strcontains(output.next_steps, "Turn EventBridge on for their-logs") && strcontains(output.next_steps, "dashboards/dashboard/siemfeed-gunzipcsv")
    error_message = "nobody is told what is left to do by hand"
  }
  assert {
    condition     = strcontains(output.doctor_env, "SOURCE_URL=s3://their-logs?region=eu-central-1\n") && strcontains(output.verify_command, "siemfeed verify gunzipcsv --env-file")
    error_message = "the doctor is given other variables than the function"
  }
  assert {
    condition     = output.logs_url == "https://eu-central-1.console.aws.amazon.com/cloudwatch/home?region=eu-central-1#logsV2:log-groups/log-group/$252Faws$252Flambda$252Fgunzipcsv"
    error_message = "the log is elsewhere"
  }
}
