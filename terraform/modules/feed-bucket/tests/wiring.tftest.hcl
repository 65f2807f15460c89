mock_provider "google" {}

variables {
  project     = "acme"
  name        = "acme-feed"
  location    = "EU"
  expire_days = 90
  retention   = { days = 30 }
  writers     = { muleaudit = "run@acme.iam.gserviceaccount.com" }
  readers     = { secops = { email = "malachite@secops.iam.gserviceaccount.com" } }
}

run "who_writes_and_who_reads" {
  command = apply

  assert {
    condition     = alltrue([for g in google_storage_bucket_iam_member.writer : g.member == "serviceAccount:run@acme.iam.gserviceaccount.com"])
    error_message = "another account than the function's may write"
  }
  assert {
    condition     = alltrue([for g in google_storage_bucket_iam_member.reader : g.member == "serviceAccount:malachite@secops.iam.gserviceaccount.com"])
    error_message = "another account than the feed's may read"
  }
  assert {
    condition     = output.output_url == "gs://acme-feed" && output.feed_uri == "gs://acme-feed/" && output.name == "acme-feed"
    error_message = "function and feed do not meet in this bucket"
  }
}

run "retention" {
  command = apply

  assert {
    condition     = google_storage_bucket.this.retention_policy[0].retention_period == "2592000" && google_storage_bucket.this.retention_policy[0].is_locked == false
    error_message = "objects are not retained for 30 days, or the lock is on unasked"
  }
  assert {
    condition     = one(google_storage_bucket.this.lifecycle_rule[0].condition).age == 90
    error_message = "expire_days does not reach the bucket"
  }
}

run "kept_for_ever" {
  command = apply
  variables {
    expire_days = null
    retention   = null
  }
  assert {
    condition     = [for r in google_storage_bucket.this.lifecycle_rule : one(r.action).type] == ["AbortIncompleteMultipartUpload"]
    error_message = "objects are deleted though expire_days is null"
  }
}
