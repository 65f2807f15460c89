mock_provider "google" {}

variables {
  project   = "acme"
  name      = "acme-feed"
  location  = "EU"
  retention = { days = 30 }
  writers   = { muleaudit = "run@acme.iam.gserviceaccount.com" }
  readers   = { secops = { email = "feed@secops.iam.gserviceaccount.com" } }
}

run "valid" {
  command = plan
}

run "name_too_short" {
  command = plan
  variables {
    name = "ab"
  }
  expect_failures = [var.name]
}

run "expires_before_it_is_read" {
  command = plan
  variables {
    expire_days = 6
    retention   = null
  }
  expect_failures = [var.expire_days]
}

run "retention_of_no_days" {
  command = plan
  variables {
    retention = { days = 0 }
  }
  expect_failures = [var.retention]
}

run "retained_beyond_expiry" {
  command = plan
  variables {
    expire_days = 29
  }
  expect_failures = [var.retention]
}

run "deletes_what_is_retained" {
  command = plan
  variables {
    readers = { secops = { email = "feed@secops.iam.gserviceaccount.com", deletes = true } }
  }
  expect_failures = [var.readers]
}

run "reader_with_a_prefix" {
  command = plan
  variables {
    readers = { secops = { email = "serviceAccount:feed@secops.iam.gserviceaccount.com" } }
  }
  expect_failures = [var.readers]
}

run "all_users_read" {
  command = plan
  variables {
    readers = { everybody = { email = "allUsers" } }
  }
  expect_failures = [var.readers]
}

run "writer_with_a_prefix" {
  command = plan
  variables {
    writers = { run = "serviceAccount:run@acme.iam.gserviceaccount.com" }
  }
  expect_failures = [var.writers]
}
