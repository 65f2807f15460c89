mock_provider "google" {}

variables {
  project   = "acme"
  name      = "acme-state"
  location  = "EU"
  functions = ["muleaudit"]
  writers   = { run = "run@acme.iam.gserviceaccount.com" }
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

run "name_in_capitals" {
  command = plan
  variables {
    name = "Acme-State"
  }
  expect_failures = [var.name]
}

run "no_function" {
  command = plan
  variables {
    functions = []
  }
  expect_failures = [var.functions]
}

run "a_function_that_is_a_folder" {
  command = plan
  variables {
    functions = ["muleaudit/"]
  }
  expect_failures = [var.functions]
}

run "receipts_gone_too_soon" {
  command = plan
  variables {
    receipt_days = 6
  }
  expect_failures = [var.receipt_days]
}

run "writer_with_a_prefix" {
  command = plan
  variables {
    writers = { all = "user:somebody@acme.example" }
  }
  expect_failures = [var.writers]
}
