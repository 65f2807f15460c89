# What is built. The object is named by what is in it: another archive is another
# object, and so another build; the same one changes nothing.
resource "google_storage_bucket" "source" {
  project  = var.project
  name     = "${var.project}-${var.name}-source"
  location = var.region
  labels   = var.labels

  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  # What lies here can be packaged again.
  force_destroy = true

  soft_delete_policy {
    retention_duration_seconds = 0
  }
  lifecycle {
    precondition {
      condition     = length("${var.project}-${var.name}-source") <= 63
      error_message = "The bucket ${var.project}-${var.name}-source would have a name of more than 63 characters: choose a shorter name."
    }
  }
}

resource "google_storage_bucket_object" "source" {
  bucket          = google_storage_bucket.source.name
  name            = "${var.function}-${filesha256(var.source_archive)}.zip"
  source          = var.source_archive
  content_type    = "application/zip"
  deletion_policy = "ABANDON" # a function is rolled back by its old source
}

resource "google_artifact_registry_repository" "image" {
  project       = var.project
  location      = var.region
  repository_id = var.name
  description   = "What Cloud Build makes of ${var.function}"
  format        = "DOCKER"
  labels        = var.labels

  cleanup_policies {
    id     = "keep-ten"
    action = "KEEP"
    most_recent_versions {
      keep_count = 10
    }
  }
  cleanup_policies {
    id     = "delete-others"
    action = "DELETE"
    condition {
      older_than = "2592000s"
    }
  }
}

# Without an event trigger: its subscription would have neither dead letters nor
# back-off, and give up after a day.
resource "google_cloudfunctions2_function" "this" {
  project     = var.project
  location    = var.region
  name        = var.name
  description = "siemfeed: ${var.function}"
  labels      = var.labels

  build_config {
    runtime           = var.runtime
    entry_point       = var.function
    service_account   = google_service_account.build.id
    docker_repository = google_artifact_registry_repository.image.id

    # A third of the binary less: see scripts/package.
    environment_variables = {
      GOFLAGS          = "-tags=disable_grpc_modules"
      GOOGLE_GOLDFLAGS = "-s -w"
    }

    source {
      storage_source {
        bucket = google_storage_bucket.source.name
        object = google_storage_bucket_object.source.name
      }
    }
  }

  service_config {
    service_account_email            = local.account.email
    ingress_settings                 = var.open ? "ALLOW_ALL" : "ALLOW_INTERNAL_ONLY"
    all_traffic_on_latest_revision   = true
    timeout_seconds                  = var.timeout_seconds
    available_memory                 = var.memory
    available_cpu                    = var.cpu
    min_instance_count               = 0
    max_instance_count               = var.max_instances
    max_instance_request_concurrency = 1

    environment_variables = merge(var.environment, {
      RUN_TIMEOUT          = "${var.run_timeout_seconds}s"
      GOOGLE_CLOUD_PROJECT = var.project
    })

    dynamic "secret_environment_variables" {
      for_each = var.secrets
      content {
        key        = secret_environment_variables.key
        project_id = secret_environment_variables.value.project
        secret     = secret_environment_variables.value.secret
        version    = secret_environment_variables.value.version
      }
    }
  }

  # A build that starts before its account may read and write fails.
  depends_on = [terraform_data.settled]
}

# What was just granted is in force within minutes, mostly within one: so long the
# example in the provider's documentation waits before a build, too. Tests, which grant
# nothing, set IAM_SETTLE_SECONDS to 0.
resource "terraform_data" "settled" {
  triggers_replace = [
    google_storage_bucket_iam_member.build_reads_source.id,
    google_project_iam_member.build_reads_copy.id,
    google_artifact_registry_repository_iam_member.build_writes_image.id,
    google_project_iam_member.build_logs.id,
  ]

  provisioner "local-exec" {
    command = "sleep \"$${IAM_SETTLE_SECONDS:-60}\""
  }
}
