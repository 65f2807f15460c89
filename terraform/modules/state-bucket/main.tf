resource "google_storage_bucket" "this" {
  project  = var.project
  name     = var.name
  location = var.location
  labels   = var.labels

  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  # Without the state a function starts anew, and the proof is gone.
  force_destroy = false

  # A lease is rewritten every few seconds: kept for a week, as is the default,
  # its generations would cost more than everything else.
  soft_delete_policy {
    retention_duration_seconds = 0
  }
  versioning {
    enabled = false
  }

  # Only what no run needs may go by age. Manifests and checkpoints are what
  # exactly-once rests on, however old they are.
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age            = var.receipt_days
      matches_prefix = local.receipts
      with_state     = "ANY"
    }
  }
  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }
    condition {
      age = 7
    }
  }
}

locals {
  receipts = flatten([for f in var.functions : ["${f}/receipts/", "${f}/verify/"]])
}
