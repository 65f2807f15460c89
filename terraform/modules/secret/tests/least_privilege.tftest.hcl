mock_provider "google" {}

variables {
  project = "acme"
  name    = "token"
  value   = "s3cret"
  accessors = {
    run = "run@acme.iam.gserviceaccount.com"
    job = "job@acme.iam.gserviceaccount.com"
  }
}

run "who_reads_reads_this_secret_only" {
  command = plan

  assert {
    condition     = alltrue([for g in google_secret_manager_secret_iam_member.accessor : g.secret_id == "token" && g.project == "acme" && g.role == "roles/secretmanager.secretAccessor"])
    error_message = "more than reading this one secret is granted"
  }
  assert {
    condition     = google_secret_manager_secret_iam_member.accessor["run"].member == "serviceAccount:run@acme.iam.gserviceaccount.com" && google_secret_manager_secret_iam_member.accessor["job"].member == "serviceAccount:job@acme.iam.gserviceaccount.com"
    error_message = "a grant goes to another account"
  }
  assert {
    condition     = google_secret_manager_secret_version.this[0].secret_data == null
    error_message = "the value is in the state"
  }
}
