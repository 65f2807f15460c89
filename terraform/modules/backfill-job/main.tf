# It is only there: nothing runs it but somebody who asks for it.
resource "google_cloud_run_v2_job" "this" {
  project             = var.project
  location            = var.region
  name                = var.name
  deletion_protection = false # what it was at is in the state, not in the job
  labels              = var.labels

  template {
    task_count  = var.tasks
    parallelism = var.parallelism

    template {
      service_account = var.account
      timeout         = "${var.timeout_seconds}s"
      max_retries     = 3

      containers {
        image = var.image
        args  = var.arguments

        resources {
          limits = { cpu = "1", memory = var.memory }
        }

        dynamic "env" {
          for_each = var.environment
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
}
