mock_provider "google" {}

variables {
  project   = "acme"
  name      = "acme-state"
  location  = "EU"
  functions = ["muleaudit"]
  writers   = { run = "run@acme.iam.gserviceaccount.com" }
}

run "objects_of_this_bucket_and_nobody_else" {
  command = apply

  assert {
    condition     = alltrue([for g in google_storage_bucket_iam_member.writer : g.bucket == "acme-state" && g.role == "roles/storage.objectUser"])
    error_message = "more is granted than the objects of this bucket"
  }
  assert {
    condition     = length(google_storage_bucket_iam_member.writer) == 1
    error_message = "somebody else may write the state"
  }
  assert {
    condition     = google_storage_bucket.this.uniform_bucket_level_access == true && google_storage_bucket.this.public_access_prevention == "enforced"
    error_message = "the state could be made public"
  }
}
