mock_provider "google" {}

variables {
  project  = "acme"
  name     = "acme-feed"
  location = "EU"
  writers  = { muleaudit = "run@acme.iam.gserviceaccount.com" }
  readers  = { secops = { email = "feed@secops.iam.gserviceaccount.com" } }
}

run "writers_create_and_readers_read" {
  command = apply

  assert {
    condition     = { for k, g in google_storage_bucket_iam_member.writer : k => g.role } == { "muleaudit creates" = "roles/storage.objectCreator", "muleaudit looks" = "roles/storage.objectViewer" }
    error_message = "a function may do more than create and look"
  }
  assert {
    condition     = { for k, g in google_storage_bucket_iam_member.reader : k => g.role } == { "secops lists" = "roles/storage.legacyBucketReader", "secops reads" = "roles/storage.objectViewer" }
    error_message = "a feed has other roles than the two it needs"
  }
  assert {
    condition     = alltrue([for g in concat(values(google_storage_bucket_iam_member.writer), values(google_storage_bucket_iam_member.reader)) : g.bucket == "acme-feed"])
    error_message = "a grant is for another bucket"
  }
  assert {
    condition     = google_storage_bucket.this.uniform_bucket_level_access == true && google_storage_bucket.this.public_access_prevention == "enforced"
    error_message = "the bucket could be made public"
  }
}

run "a_feed_that_deletes" {
  command = apply
  variables {
    readers = { secops = { email = "feed@secops.iam.gserviceaccount.com", deletes = true } }
  }
  assert {
    condition     = { for k, g in google_storage_bucket_iam_member.reader : k => g.role } == { "secops lists" = "roles/storage.legacyBucketWriter", "secops reads" = "roles/storage.objectViewer" }
    error_message = "a feed that deletes cannot, or may do more"
  }
}
