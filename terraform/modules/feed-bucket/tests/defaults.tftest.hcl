mock_provider "google" {}

variables {
  project  = "acme"
  name     = "acme-siem-mulesoft"
  location = "EU"
  writers  = {}
}

run "a_bucket_that_keeps_what_it_is_given" {
  command = apply

  assert {
    condition     = google_storage_bucket.this.project == "acme" && google_storage_bucket.this.name == "acme-siem-mulesoft" && google_storage_bucket.this.location == "EU"
    error_message = "the bucket has another name or lies elsewhere"
  }
  assert {
    condition     = google_storage_bucket.this.force_destroy == false
    error_message = "destroy would take the logs along"
  }
  assert {
    condition     = google_storage_bucket.this.soft_delete_policy[0].retention_duration_seconds == 604800
    error_message = "what is deleted by mistake is gone"
  }
  assert {
    condition     = length(google_storage_bucket.this.retention_policy) == 0
    error_message = "objects are retained unasked"
  }
  assert {
    condition     = one(google_storage_bucket.this.lifecycle_rule[0].action).type == "Delete" && one(google_storage_bucket.this.lifecycle_rule[0].condition).age == 400
    error_message = "objects are not deleted after 400 days"
  }
  assert {
    condition     = one(google_storage_bucket.this.lifecycle_rule[1].action).type == "AbortIncompleteMultipartUpload" && one(google_storage_bucket.this.lifecycle_rule[1].condition).age == 7
    error_message = "broken uploads stay for ever"
  }
  assert {
    condition     = length(google_storage_bucket_iam_member.reader) == 0 && length(google_storage_bucket_iam_member.writer) == 0
    error_message = "somebody may read or write unasked"
  }
}
