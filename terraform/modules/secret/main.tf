resource "google_secret_manager_secret" "this" {
  project             = var.project
  secret_id           = var.name
  labels              = var.labels
  deletion_protection = false

  replication {
    auto {}
  }
}

resource "google_secret_manager_secret_version" "this" {
  count = var.outside_version == null ? 1 : 0

  secret                 = google_secret_manager_secret.this.id
  secret_data_wo         = var.value
  secret_data_wo_version = var.value_version

  # A value that turns out to be wrong can be taken back, and what still runs
  # with the old one goes on until it is replaced.
  deletion_policy = "DISABLE"

  lifecycle {
    create_before_destroy = true
  }
}
