resource "google_storage_bucket" "this" {
  project  = var.project
  name     = var.name
  location = var.location
  labels   = var.labels

  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false

  # What was deleted by mistake can be had back for a week.
  soft_delete_policy {
    retention_duration_seconds = 604800
  }

  dynamic "retention_policy" {
    for_each = var.retention[*]
    content {
      retention_period = tostring(retention_policy.value.days * 86400)
      is_locked        = retention_policy.value.locked
    }
  }

  dynamic "lifecycle_rule" {
    for_each = var.expire_days[*]
    content {
      action {
        type = "Delete"
      }
      condition {
        age        = lifecycle_rule.value
        with_state = "ANY"
      }
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
