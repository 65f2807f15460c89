mock_provider "google" {}

variables {
  project   = "acme"
  name      = "acme-siemfeed-state"
  location  = "europe-west3"
  functions = ["muleaudit"]
  writers   = {}
}

run "what_costs_money_or_state" {
  command = apply

  assert {
    condition     = google_storage_bucket.this.project == "acme" && google_storage_bucket.this.name == "acme-siemfeed-state" && google_storage_bucket.this.location == "europe-west3"
    error_message = "the bucket has another name or lies elsewhere"
  }
  assert {
    condition     = google_storage_bucket.this.soft_delete_policy[0].retention_duration_seconds == 0
    error_message = "every renewal of a lease would be kept and paid for a week"
  }
  assert {
    condition     = google_storage_bucket.this.versioning[0].enabled == false
    error_message = "every renewal of a lease would be kept as a version"
  }
  assert {
    condition     = google_storage_bucket.this.force_destroy == false
    error_message = "destroy would take the state along"
  }
}

run "only_receipts_age" {
  command = apply

  assert {
    condition     = length(google_storage_bucket.this.lifecycle_rule) == 2
    error_message = "there are lifecycle rules besides those of receipts and broken uploads"
  }
  assert {
    condition     = one(google_storage_bucket.this.lifecycle_rule[0].action).type == "Delete" && one(google_storage_bucket.this.lifecycle_rule[0].condition).age == 400
    error_message = "receipts are not removed after 400 days"
  }
  assert {
    condition     = one(google_storage_bucket.this.lifecycle_rule[0].condition).matches_prefix == tolist(["muleaudit/receipts/", "muleaudit/verify/"])
    error_message = "something else than receipts would be removed by age"
  }
  assert {
    condition     = one(google_storage_bucket.this.lifecycle_rule[1].action).type == "AbortIncompleteMultipartUpload" && one(google_storage_bucket.this.lifecycle_rule[1].condition).age == 7
    error_message = "broken uploads stay for ever"
  }
}
