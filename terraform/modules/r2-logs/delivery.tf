resource "cloudflare_queue" "notices" {
  account_id = var.account_id
  queue_name = var.name
  settings = {
    message_retention_period = local.retention_seconds
  }
}

# Without one, what fails too often is deleted.
resource "cloudflare_queue" "dead" {
  account_id = var.account_id
  queue_name = "${var.name}-dead"
  settings = {
    message_retention_period = local.retention_seconds
  }
}

resource "cloudflare_queue_consumer" "pull" {
  account_id        = var.account_id
  queue_id          = cloudflare_queue.notices.queue_id
  type              = "http_pull"
  dead_letter_queue = cloudflare_queue.dead.queue_name # the name, not the id

  settings = {
    batch_size            = 100
    max_retries           = var.max_retries
    retry_delay           = 30
    visibility_timeout_ms = local.visibility_seconds * 1000
  }
}

# A large object is uploaded in parts, and tells of itself only when these are put
# together.
resource "cloudflare_r2_bucket_event_notification" "logs" {
  account_id   = var.account_id
  bucket_name  = cloudflare_r2_bucket.this["logs"].name
  queue_id     = cloudflare_queue.notices.queue_id
  jurisdiction = var.jurisdiction

  rules = [{
    actions = ["PutObject", "CopyObject", "CompleteMultipartUpload"]
    prefix  = var.prefix
    suffix  = var.suffix
  }]
}

locals {
  retention_seconds = 14 * local.day # the longest there is
  # A run has to be over before its messages come back.
  visibility_seconds = var.run_timeout_seconds + 60
}
