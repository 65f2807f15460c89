mock_provider "google" {}

variables {
  project   = "acme"
  name      = "token"
  accessors = { run = "run@acme.iam.gserviceaccount.com" }
}

run "a_raised_number_writes_another_version" {
  command = plan

  variables {
    value         = "another"
    value_version = 2
  }
  assert {
    condition     = length(google_secret_manager_secret_version.this) == 1 && google_secret_manager_secret_version.this[0].secret_data_wo_version == "2"
    error_message = "value_version does not reach the resource"
  }
  assert {
    condition     = output.name == "token"
    error_message = "the secret has another name"
  }
}

run "from_outside" {
  command = plan

  variables {
    outside_version = 3
  }
  assert {
    condition     = length(google_secret_manager_secret_version.this) == 0
    error_message = "a version is written though the value comes from outside"
  }
  assert {
    condition     = output.reference == { project = "acme", secret = "token", version = "3" }
    error_message = "functions are not pinned to the version that was named"
  }
}
