mock_provider "google" {}

variables {
  project   = "acme"
  region    = "europe-west3"
  name      = "gunzipcsv-backfill"
  image     = "registry/siemfeed@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  account   = "run@acme.iam.gserviceaccount.com"
  arguments = ["backfill", "gunzipcsv"]
  tasks     = 8
}

run "valid" {
  command = plan
}

run "name_of_64" {
  command = plan
  variables {
    name = "a234567890123456789012345678901234567890123456789012345678901234"
  }
  expect_failures = [var.name]
}

run "image_by_its_tag" {
  command = plan
  variables {
    image = "registry/siemfeed:latest"
  }
  expect_failures = [var.image]
}

run "account_with_a_prefix" {
  command = plan
  variables {
    account = "serviceAccount:run@acme"
  }
  expect_failures = [var.account]
}

run "something_else_than_backfill" {
  command = plan
  variables {
    arguments = ["run", "gunzipcsv"]
  }
  expect_failures = [var.arguments]
}

run "its_own_share" {
  command = plan
  variables {
    arguments = ["backfill", "gunzipcsv", "--shard", "0/8"]
  }
  expect_failures = [var.arguments]
}

run "shares_of_what_cannot_be_shared" {
  command = plan
  variables {
    arguments = ["backfill", "muleaudit"]
  }
  expect_failures = [var.tasks]
}

run "more_side_by_side_than_there_are" {
  command = plan
  variables {
    parallelism = 9
  }
  expect_failures = [var.parallelism]
}

run "a_task_of_eight_days" {
  command = plan
  variables {
    timeout_seconds = 691200
  }
  expect_failures = [var.timeout_seconds]
}

run "memory_without_a_unit" {
  command = plan
  variables {
    memory = "512"
  }
  expect_failures = [var.memory]
}

run "secret_of_the_latest_version" {
  command = plan
  variables {
    secrets = { T = { project = "a", secret = "t", version = "latest" } }
  }
  expect_failures = [var.secrets]
}

run "variable_that_is_secret_and_not" {
  command = plan
  variables {
    environment = { T = "t" }
    secrets     = { T = { project = "a", secret = "t", version = "1" } }
  }
  expect_failures = [var.environment]
}
