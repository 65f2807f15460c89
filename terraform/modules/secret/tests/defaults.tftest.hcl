mock_provider "google" {}

variables {
  project = "acme"
  name    = "muleaudit-client-secret"
  value   = "s3cret"
}

# Planned, not applied: OpenTofu's mocks keep what is write-only.
run "one_secret_with_one_version" {
  command = plan

  assert {
    condition     = google_secret_manager_secret.this.secret_id == "muleaudit-client-secret" && google_secret_manager_secret.this.project == "acme"
    error_message = "the secret has another name or lies in another project"
  }
  assert {
    condition     = length(google_secret_manager_secret.this.replication[0].auto) == 1
    error_message = "the secret is not replicated by Google"
  }
  assert {
    condition     = google_secret_manager_secret_version.this[0].secret_data_wo_version == "1"
    error_message = "the value's version is not the first"
  }
  assert {
    condition     = google_secret_manager_secret_version.this[0].deletion_policy == "DISABLE"
    error_message = "a replaced value would be gone for good"
  }
  assert {
    condition     = length(google_secret_manager_secret_iam_member.accessor) == 0
    error_message = "somebody may read the secret unasked"
  }
}
