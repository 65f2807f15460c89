mock_provider "cloudflare" {}
mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "1234567890" }
  }
}

override_module {
  target = module.logs.module.groups
  outputs = {
    ids = {
      "Workers R2 Storage Bucket Item Read"  = "r"
      "Workers R2 Storage Bucket Item Write" = "w"
      "Queues Read"                          = "qr"
      "Queues Write"                         = "qw"
    }
  }
}
override_resource {
  target = module.logs.cloudflare_account_token.function
  values = { id = "id-of-function", value = "value-of-function" }
}
override_resource {
  target = module.logs.cloudflare_account_token.queue
  values = { id = "id-of-queue", value = "value-of-queue" }
}
override_resource {
  target = module.function.google_service_account.run
  values = { email = "run@acme-siem.iam.gserviceaccount.com", id = "projects/acme-siem/serviceAccounts/run", name = "projects/acme-siem/serviceAccounts/run" }
}
override_resource {
  target = module.logs.cloudflare_queue.notices
  values = { queue_id = "q-notices" }
}
# OpenTofu's mocks keep what is write-only, and could not apply it twice: the
# module's own tests have it.
override_module {
  target  = module.r2_secret
  outputs = { name = "gunzipcsv-r2-secret", reference = { project = "acme-siem", secret = "gunzipcsv-r2-secret", version = "4" } }
}
override_module {
  target  = module.queue_token
  outputs = { name = "gunzipcsv-queue-token", reference = { project = "acme-siem", secret = "gunzipcsv-queue-token", version = "5" } }
}

variables {
  account_id     = "0123456789abcdef0123456789abcdef"
  project        = "acme-siem"
  region         = "europe-west3"
  source_archive = "tests/testdata/source.zip"
  logpush = {
    dataset = "gateway_http"
    fields  = ["Datetime", "URL"]
  }
}

run "valid" {
  command = plan
}

run "project_number" {
  command = plan
  variables {
    project = "123456789012"
  }
  expect_failures = [var.project]
}

run "name_of_two" {
  command = plan
  variables {
    name = "ab"
  }
  expect_failures = [var.name]
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
    settings = { CONCURENCY = "2" }
  }
  expect_failures = [var.settings]
}

run "setting_that_another_variable_sets" {
  command = plan
  variables {
    settings = { CF_QUEUE_ID = "q" }
  }
  expect_failures = [var.settings]
}

run "secret_among_the_settings" {
  command = plan
  variables {
    settings = { CF_API_TOKEN = "t" }
  }
  expect_failures = [var.settings]
}

run "run_of_ten_minutes" {
  command = plan
  variables {
    run_timeout_seconds = 541
  }
  expect_failures = [var.run_timeout_seconds]
}

run "header_without_names" {
  command = plan
  variables {
    csv     = { header = true }
    logpush = null
  }
  expect_failures = [var.csv]
}
