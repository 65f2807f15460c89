mock_provider "google" {}

variables {
  project = "acme"
  name    = "token"
  value   = "s3cret"
}

run "valid" {
  command = plan
}

run "name_with_a_slash" {
  command = plan
  variables {
    name = "projects/acme/secrets/token"
  }
  expect_failures = [var.name]
}

run "value_version_zero" {
  command = plan
  variables {
    value_version = 0
  }
  expect_failures = [var.value_version]
}

run "half_a_version" {
  command = plan
  variables {
    outside_version = 1.5
  }
  expect_failures = [var.outside_version]
}

run "accessor_with_a_prefix" {
  command = plan
  variables {
    accessors = { run = "serviceAccount:run@acme.iam.gserviceaccount.com" }
  }
  expect_failures = [var.accessors]
}

run "no_origin" {
  command = plan
  variables {
    value = null
  }
  expect_failures = [var.outside_version]
}
