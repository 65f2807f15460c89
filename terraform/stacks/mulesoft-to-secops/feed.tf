resource "google_chronicle_feed" "this" {
  count = var.secops == null ? 0 : 1

  project      = local.secops_project
  location     = var.secops.location
  instance     = var.secops.instance
  display_name = "MuleSoft audit logs (${var.name})"
  enabled      = true

  details {
    feed_source_type = "GOOGLE_CLOUD_STORAGE_V2"
    log_type         = "projects/${local.secops_project}/locations/${var.secops.location}/instances/${var.secops.instance}/logTypes/${var.secops.log_type}"

    gcs_v2_settings {
      bucket_uri             = module.feed.feed_uri
      source_deletion_option = var.secops.deletes ? "ON_SUCCESS" : "NEVER"
      max_lookback_days      = var.secops.max_lookback_days
    }
  }
}

# Who reads is told by the feed only once it is there, and has to be let in before
# that: so the account is given, and compared afterwards.
check "feed_reads_as_the_account_that_was_let_in" {
  assert {
    condition     = var.secops == null ? true : google_chronicle_feed.this[0].details[0].gcs_v2_settings[0].chronicle_service_account == var.secops.service_account
    error_message = "The feed reads as another account than secops.service_account. Set that to chronicle_service_account of the feed (terraform state show 'google_chronicle_feed.this[0]'), and apply again."
  }
}

locals {
  secops_project = try(coalesce(var.secops.project, var.project), var.project)
}
