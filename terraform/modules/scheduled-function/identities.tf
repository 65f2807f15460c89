# Three accounts, so that none can do what another is for: what runs cannot change
# its own code, what builds cannot read logs or secrets, and what triggers can do
# nothing else.

resource "google_service_account" "run" {
  count = var.account == null ? 1 : 0

  project      = var.project
  account_id   = "${var.name}-run"
  display_name = "${var.name}: runs the function"
}

locals {
  account = var.account == null ? { email = google_service_account.run[0].email, number = google_service_account.run[0].unique_id } : var.account
}

resource "google_service_account" "build" {
  project      = var.project
  account_id   = "${var.name}-build"
  display_name = "${var.name}: builds the function"
}

resource "google_service_account" "push" {
  count = local.scheduled

  project      = var.project
  account_id   = "${var.name}-push"
  display_name = "${var.name}: triggers the function"
}

resource "google_cloud_run_v2_service_iam_member" "push_invokes" {
  count = local.scheduled

  project  = var.project
  location = var.region
  name     = google_cloudfunctions2_function.this.name
  role     = "roles/run.invoker"
  member   = "serviceAccount:${google_service_account.push[0].email}"
}

# Callers from outside have no identity that Google knows: FUNCTION_TOKEN is theirs.
resource "google_cloud_run_v2_service_iam_member" "anyone_invokes" {
  count = var.open ? 1 : 0

  project  = var.project
  location = var.region
  name     = google_cloudfunctions2_function.this.name
  role     = "roles/run.invoker"
  member   = "allUsers"
}

resource "google_storage_bucket_iam_member" "build_reads_source" {
  bucket = google_storage_bucket.source.name
  role   = "roles/storage.objectViewer"
  member = "serviceAccount:${google_service_account.build.email}"
}

# Cloud Functions copies the source to a bucket of its own, and it is the copy that is
# built: gs://gcf-v2-sources-NUMBER-REGION/NAME/function-source.zip. The bucket comes
# with the first function of a region, so that the role cannot be granted on it; the
# condition grants it there, and on this function's copy only.
resource "google_project_iam_member" "build_reads_copy" {
  project = var.project
  role    = "roles/storage.objectViewer"
  member  = "serviceAccount:${google_service_account.build.email}"

  condition {
    title       = "siemfeed-${var.name}-source"
    description = "The copy of the source of ${var.name} that Cloud Functions builds"
    expression  = "resource.name.startsWith(\"projects/_/buckets/gcf-v2-sources-${var.project_number}-${var.region}/objects/${var.name}/\")"
  }
}

resource "google_artifact_registry_repository_iam_member" "build_writes_image" {
  project    = var.project
  location   = var.region
  repository = google_artifact_registry_repository.image.name
  role       = "roles/artifactregistry.writer"
  member     = "serviceAccount:${google_service_account.build.email}"
}

# The log of a build is the project's: there is nothing smaller to grant.
resource "google_project_iam_member" "build_logs" {
  project = var.project
  role    = "roles/logging.logWriter"
  member  = "serviceAccount:${google_service_account.build.email}"
}

locals {
  pubsub_agent = "serviceAccount:service-${var.project_number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

# Projects made before April 2021 have not given Pub/Sub this for all accounts.
resource "google_service_account_iam_member" "pubsub_signs_as_push" {
  count = local.scheduled

  service_account_id = google_service_account.push[0].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = local.pubsub_agent

  # Pub/Sub's account is there once Pub/Sub is used.
  depends_on = [google_pubsub_topic.trigger]
}
