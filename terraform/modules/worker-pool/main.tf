resource "google_cloud_run_v2_worker_pool" "this" {
  project             = var.project
  location            = var.region
  name                = var.name
  description         = "siemfeed: always on"
  deletion_protection = false # what it was at is in the state, not in the pool
  labels              = var.labels

  scaling {
    manual_instance_count = var.instances
  }

  template {
    service_account = local.account.email

    containers {
      image = var.image

      resources {
        limits = { cpu = var.cpu, memory = var.memory }
      }

      dynamic "env" {
        for_each = local.environment
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

      # Answers while the instance is a member of its group.
      startup_probe {
        initial_delay_seconds = 5
        period_seconds        = 10
        timeout_seconds       = 5
        failure_threshold     = 12
        http_get {
          path = "/health"
          port = 8080
        }
      }
      liveness_probe {
        period_seconds    = 30
        timeout_seconds   = 5
        failure_threshold = 10
        http_get {
          path = "/health"
          port = 8080
        }
      }
    }
  }
}

locals {
  common      = merge(var.environment, { GOOGLE_CLOUD_PROJECT = var.project })
  environment = merge(local.common, { MODE = "follow" })
}
