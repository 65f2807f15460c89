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

run "valid" {
  command = plan
}

run "header_without_columns" {
  command = plan
  variables {
    csv = { header = true }
  }
  expect_failures = [var.csv]
}

run "column_with_a_comma" {
  command = plan
  variables {
    csv = { columns = ["a,b"] }
  }
  expect_failures = [var.csv]
}

run "setting_nobody_knows" {
  command = plan
  variables {
    settings = { CSV_COLUMN = "a" }
  }
  expect_failures = [var.settings]
}

run "setting_that_another_variable_sets" {
  command = plan
  variables {
    settings = { DEST_URL = "s3://elsewhere" }
  }
  expect_failures = [var.settings]
}

run "setting_of_another_cloud" {
  command = plan
  variables {
    settings = { CF_API_TOKEN = "t" }
  }
  expect_failures = [var.settings]
}
