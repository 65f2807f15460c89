# Half an hour, the longest that Cloud Scheduler waits for an answer, and so for both:
# given up earlier, a proof would be asked for again while it is made. RUN_TIMEOUT ends
# it before, and leaves a tenth to say so.
locals {
  proof_timeout = "1800s"
}

# Nothing can call a pool, and so nothing can ask one for its proof. The same image
# is a service, too, which is asked once a day and is not there otherwise: it reads
# what the pool left in the state, and takes no part in its group.
resource "google_cloud_run_v2_service" "verify" {
  count = var.verify == null ? 0 : 1

  project             = var.project
  location            = var.region
  name                = "${var.name}-verify"
  description         = "siemfeed: proves that nothing is missing"
  deletion_protection = false # what it found is in the state, not in the service
  ingress             = "INGRESS_TRAFFIC_INTERNAL_ONLY"
  labels              = var.labels

  template {
    service_account                  = local.account.email
    timeout                          = local.proof_timeout
    max_instance_request_concurrency = 1

    scaling {
      min_instance_count = 0
      max_instance_count = 1
    }

    containers {
      image = var.image

      resources {
        limits = { cpu = var.cpu, memory = var.memory }
      }

      dynamic "env" {
        for_each = merge(local.common, { RUN_TIMEOUT = "${var.run_timeout_seconds}s" })
        content {
          name  = env.key
          value = env.value
        }
      }
      dynamic "env" {
        for_each = var.secrets
        content {
          name = env.key
          value_source {
            secret_key_ref {
              secret  = "projects/${env.value.project}/secrets/${env.value.secret}"
              version = env.value.version
            }
          }
        }
      }
    }
  }
}

resource "google_cloud_scheduler_job" "verify" {
  count = var.verify == null ? 0 : 1

  project     = var.project
  region      = var.region
  name        = "${var.name}-verify"
  description = "Has ${var.name} prove that nothing is missing"
  schedule    = var.verify.schedule
  time_zone   = "Etc/UTC"

  attempt_deadline = local.proof_timeout
  retry_config {
    retry_count          = 3
    min_backoff_duration = "60s"
  }

  http_target {
    http_method = "POST"
    uri         = google_cloud_run_v2_service.verify[0].uri
    headers     = { "Content-Type" = "application/json" }
    body        = base64encode(jsonencode({ verify = {} }))
    oidc_token {
      service_account_email = google_service_account.push[0].email
      audience              = google_cloud_run_v2_service.verify[0].uri
    }
  }

  depends_on = [google_cloud_run_v2_service_iam_member.push_invokes]
}
