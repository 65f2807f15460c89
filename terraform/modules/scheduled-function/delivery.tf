locals {
  # A caller from outside triggers the function itself, the daily proof included.
  scheduled = var.open ? 0 : 1
}

resource "google_cloud_scheduler_job" "run" {
  count = local.scheduled

  project     = var.project
  region      = var.region
  name        = var.name
  description = "Triggers a run of ${var.name}"
  schedule    = var.interval_minutes == 60 ? "0 * * * *" : "*/${var.interval_minutes} * * * *"
  time_zone   = "Etc/UTC"

  # No attempt_deadline: with a topic as target it is ignored, and would be a
  # difference in every plan.
  pubsub_target {
    topic_name = google_pubsub_topic.trigger[0].id
    data       = base64encode("{}")
  }
}

resource "google_cloud_scheduler_job" "verify" {
  count = var.verify == null ? 0 : local.scheduled

  project     = var.project
  region      = var.region
  name        = "${var.name}-verify"
  description = "Has ${var.name} prove that nothing is missing"
  schedule    = var.verify.schedule
  time_zone   = "Etc/UTC"

  pubsub_target {
    topic_name = google_pubsub_topic.trigger[0].id
    data       = base64encode(jsonencode({ verify = {} }))
  }
}

resource "google_pubsub_topic" "trigger" {
  count = local.scheduled

  project = var.project
  name    = var.name
  labels  = var.labels
}

resource "google_pubsub_subscription" "push" {
  count = local.scheduled

  project = var.project
  name    = var.name
  topic   = google_pubsub_topic.trigger[0].id
  labels  = var.labels

  ack_deadline_seconds       = var.ack_deadline_seconds
  message_retention_duration = "604800s"

  push_config {
    push_endpoint = google_cloudfunctions2_function.this.service_config[0].uri
    oidc_token {
      service_account_email = google_service_account.push[0].email
      audience              = google_cloudfunctions2_function.this.service_config[0].uri
    }
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead[0].id
    max_delivery_attempts = var.max_delivery_attempts
  }

  # A subscription that delivers nothing for a month is deleted otherwise: one
  # whose schedule was paused would never work again.
  expiration_policy {
    ttl = ""
  }

  depends_on = [google_cloud_run_v2_service_iam_member.push_invokes]
}

resource "google_pubsub_topic" "dead" {
  count = local.scheduled

  project = var.project
  name    = "${var.name}-dead"
  labels  = var.labels
}

# What nobody subscribes to is gone. Dead letters wait for a month, the longest
# there is.
resource "google_pubsub_subscription" "dead" {
  count = local.scheduled

  project = var.project
  name    = "${var.name}-dead"
  topic   = google_pubsub_topic.dead[0].id
  labels  = var.labels

  ack_deadline_seconds       = 60
  message_retention_duration = "2678400s"

  expiration_policy {
    ttl = ""
  }
}

# Dead letters need both: Pub/Sub writes them to the one and takes them off the
# other. With either missing they are delivered for ever.
resource "google_pubsub_topic_iam_member" "dead_letters_are_written" {
  count = local.scheduled

  project = var.project
  topic   = google_pubsub_topic.dead[0].name
  role    = "roles/pubsub.publisher"
  member  = local.pubsub_agent
}

resource "google_pubsub_subscription_iam_member" "dead_letters_are_taken" {
  count = local.scheduled

  project      = var.project
  subscription = google_pubsub_subscription.push[0].name
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent
}
