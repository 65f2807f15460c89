mock_provider "google" {}

variables {
  project      = "acme"
  name         = "acme-state"
  location     = "EU"
  functions    = ["muleaudit", "slshec"]
  receipt_days = 30
  writers = {
    muleaudit = "mule@acme.iam.gserviceaccount.com"
    slshec    = "sls@acme.iam.gserviceaccount.com"
  }
}

run "each_writer_may_write_here" {
  command = apply

  assert {
    condition     = google_storage_bucket_iam_member.writer["muleaudit"].member == "serviceAccount:mule@acme.iam.gserviceaccount.com" && google_storage_bucket_iam_member.writer["slshec"].member == "serviceAccount:sls@acme.iam.gserviceaccount.com"
    error_message = "a grant goes to another account"
  }
  assert {
    condition     = output.url == "gs://acme-state" && output.name == "acme-state"
    error_message = "STATE_URL names another bucket"
  }
  assert {
    condition     = one(google_storage_bucket.this.lifecycle_rule[0].condition).matches_prefix == tolist(["muleaudit/receipts/", "muleaudit/verify/", "slshec/receipts/", "slshec/verify/"])
    error_message = "the receipts of one function stay for ever"
  }
  assert {
    condition     = one(google_storage_bucket.this.lifecycle_rule[0].condition).age == 30
    error_message = "receipt_days does not reach the bucket"
  }
}
