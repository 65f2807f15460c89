mock_provider "google" {}

variables {
  project        = "acme"
  project_number = "1234567890"
  region         = "europe-west3"
  name           = "mule"
  function       = "muleaudit"
  source_archive = "tests/testdata/source.zip"
}

run "valid" {
  command = plan
}

run "project_id_for_its_number" {
  command = plan
  variables {
    project_number = "acme"
  }
  expect_failures = [var.project_number]
}

run "name_of_25" {
  command = plan
  variables {
    name = "a234567890123456789012345"
  }
  expect_failures = [var.name]
}

run "name_with_an_underscore" {
  command = plan
  variables {
    name = "mule_audit"
  }
  expect_failures = [var.name]
}

run "function_that_is_a_path" {
  command = plan
  variables {
    function = "functions/muleaudit"
  }
  expect_failures = [var.function]
}

run "runtime_of_another_language" {
  command = plan
  variables {
    runtime = "python312"
  }
  expect_failures = [var.runtime]
}

run "memory_without_a_unit" {
  command = plan
  variables {
    memory = "512"
  }
  expect_failures = [var.memory]
}

run "a_fraction_of_a_processor" {
  command = plan
  variables {
    cpu = "0.5"
  }
  expect_failures = [var.cpu]
}

run "one_instance" {
  command = plan
  variables {
    max_instances = 1
  }
  expect_failures = [var.max_instances]
}

run "interval_that_does_not_divide_an_hour" {
  command = plan
  variables {
    interval_minutes = 7
  }
  expect_failures = [var.interval_minutes]
}

run "interval_shorter_than_the_lease" {
  command = plan
  variables {
    lease_ttl_seconds = 601
  }
  expect_failures = [var.interval_minutes]
}

run "proof_every_minute" {
  command = plan
  variables {
    verify = { schedule = "* * * * *" }
  }
  expect_failures = [var.verify]
}

run "run_as_long_as_the_function" {
  command = plan
  variables {
    run_timeout_seconds = 511
  }
  expect_failures = [var.run_timeout_seconds]
}

run "run_of_no_time" {
  command = plan
  variables {
    run_timeout_seconds = 29
  }
  expect_failures = [var.run_timeout_seconds]
}

run "function_longer_than_pubsub_waits" {
  command = plan
  variables {
    timeout_seconds = 631
  }
  expect_failures = [var.timeout_seconds]
}

run "acknowledgement_after_eleven_minutes" {
  command = plan
  variables {
    ack_deadline_seconds = 601
  }
  expect_failures = [var.ack_deadline_seconds]
}

run "lease_of_no_time" {
  command = plan
  variables {
    lease_ttl_seconds = 0
  }
  expect_failures = [var.lease_ttl_seconds]
}

run "four_attempts" {
  command = plan
  variables {
    max_delivery_attempts = 4
  }
  expect_failures = [var.max_delivery_attempts]
}

run "run_timeout_twice" {
  command = plan
  variables {
    environment = { RUN_TIMEOUT = "1h" }
  }
  expect_failures = [var.environment]
}

run "secret_of_the_latest_version" {
  command = plan
  variables {
    secrets = { TOKEN = { project = "acme", secret = "t", version = "latest" } }
  }
  expect_failures = [var.secrets]
}

run "variable_that_is_secret_and_not" {
  command = plan
  variables {
    environment = { TOKEN = "t" }
    secrets     = { TOKEN = { project = "acme", secret = "t", version = "1" } }
  }
  expect_failures = [var.environment]
}

run "bucket_name_too_long" {
  command = plan
  variables {
    project = "a2345678901234567890123456789012345"
    name    = "a23456789012345678901234"
  }
  expect_failures = [google_storage_bucket.source]
}

run "account_with_a_prefix" {
  command = plan
  variables {
    account = { email = "serviceAccount:a@b", number = "1" }
  }
  expect_failures = [var.account]
}

run "open_to_everybody" {
  command = plan
  variables {
    open = true
  }
  expect_failures = [var.open]
}

run "token_that_pubsub_does_not_bear" {
  command = plan
  variables {
    secrets = { FUNCTION_TOKEN = { project = "acme", secret = "token", version = "2" } }
  }
  expect_failures = [var.open]
}
