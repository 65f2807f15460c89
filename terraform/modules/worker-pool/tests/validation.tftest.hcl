mock_provider "google" {
  override_resource {
    target = google_service_account.run
    values = { email = "run@acme.iam.gserviceaccount.com", unique_id = "111222333" }
  }
  # One e-mail for all would hide that two are mixed up.
  override_resource {
    target = google_service_account.push
    values = { email = "push@acme.iam.gserviceaccount.com", unique_id = "444555666" }
  }
  override_resource {
    target = google_cloud_run_v2_service.verify
    values = { uri = "https://slshec-verify-x.run.app" }
  }
}

variables {
  project = "acme"
  region  = "europe-west3"
  name    = "slshec"
  image   = "europe-west3-docker.pkg.dev/acme/siemfeed/slshec@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
}

run "valid" {
  command = plan
}

run "name_of_26" {
  command = plan
  variables {
    name = "a2345678901234567890123456"
  }
  expect_failures = [var.name]
}

run "image_by_its_tag" {
  command = plan
  variables {
    image = "europe-west3-docker.pkg.dev/acme/siemfeed/slshec:latest"
  }
  expect_failures = [var.image]
}

run "no_instance" {
  command = plan
  variables {
    instances = 0
  }
  expect_failures = [var.instances]
}

run "memory_without_a_unit" {
  command = plan
  variables {
    memory = "512"
  }
  expect_failures = [var.memory]
}

run "half_a_processor" {
  command = plan
  variables {
    cpu = "0.5"
  }
  expect_failures = [var.cpu]
}

run "mode_twice" {
  command = plan
  variables {
    environment = { MODE = "drain" }
  }
  expect_failures = [var.environment]
}

run "secret_of_the_latest_version" {
  command = plan
  variables {
    secrets = { T = { project = "a", secret = "t", version = "latest" } }
  }
  expect_failures = [var.secrets]
}

run "account_with_a_prefix" {
  command = plan
  variables {
    account = { email = "serviceAccount:a@b", number = "1" }
  }
  expect_failures = [var.account]
}

run "budget_twice" {
  command = plan
  variables {
    environment = { RUN_TIMEOUT = "8m" }
  }
  expect_failures = [var.environment]
}

run "proof_every_minute" {
  command = plan
  variables {
    verify = { schedule = "* * * * *" }
  }
  expect_failures = [var.verify]
}

run "proof_that_the_schedule_gives_up" {
  command = plan
  variables {
    run_timeout_seconds = 1621
  }
  expect_failures = [var.run_timeout_seconds]
}

run "proof_of_no_time" {
  command = plan
  variables {
    run_timeout_seconds = 29
  }
  expect_failures = [var.run_timeout_seconds]
}
