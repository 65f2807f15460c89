# Two accounts, so that what triggers the proof can do nothing else.

resource "google_service_account" "run" {
  count = var.account == null ? 1 : 0

  project      = var.project
  account_id   = "${var.name}-run"
  display_name = "${var.name}: runs the worker pool"
}

locals {
  account = var.account == null ? { email = google_service_account.run[0].email, number = google_service_account.run[0].unique_id } : var.account
}

resource "google_service_account" "push" {
  count = var.verify == null ? 0 : 1

  project      = var.project
  account_id   = "${var.name}-push"
  display_name = "${var.name}: triggers the proof"
}

resource "google_cloud_run_v2_service_iam_member" "push_invokes" {
  count = var.verify == null ? 0 : 1

  project  = var.project
  location = var.region
  name     = google_cloud_run_v2_service.verify[0].name
  role     = "roles/run.invoker"
  member   = "serviceAccount:${google_service_account.push[0].email}"
}
