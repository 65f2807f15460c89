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
  target = module.function.google_cloudfunctions2_function.this
  values = { service_config = { uri = "https://gunzipcsv-x.a.run.app" } }
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
override_module {
  target  = module.push_token
  outputs = { name = "gunzipcsv-push-token", reference = { project = "acme-siem", secret = "gunzipcsv-push-token", version = "6" } }
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

run "valid_with_push" {
  command = plan
  variables {
    push       = {}
    push_token = "a-token-of-thirty-two-characters"
  }
}

run "more_batches_than_instances" {
  command = plan
  variables {
    push       = { concurrency = 5 }
    push_token = "a-token-of-thirty-two-characters"
  }
  expect_failures = [var.push]
}

run "push_without_a_token" {
  command = plan
  variables {
    push = {}
  }
  expect_failures = [var.push_token]
}

run "token_of_31" {
  command = plan
  variables {
    push       = {}
    push_token = "a-token-of-thirty-two-character"
  }
  expect_failures = [var.push_token]
}

run "token_with_a_line_end" {
  command = plan
  variables {
    push       = {}
    push_token = "a-token-of-thirty-two-characters\n"
  }
  expect_failures = [var.push_token]
}
