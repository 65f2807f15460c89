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

# A queue has one consumer: who pulls, or the Worker that pushes. One resource that is
# replaced, so that a change from one to the other removes the old one first: the
# provider would make the one into the other.
resource "terraform_data" "consumes" {
  input = var.push == null ? "http_pull" : "worker"
}

resource "cloudflare_queue_consumer" "this" {
  account_id        = var.account_id
  queue_id          = cloudflare_queue.notices.queue_id
  type              = terraform_data.consumes.input
  script_name       = one(cloudflare_workers_script.push[*].script_name)
  dead_letter_queue = cloudflare_queue.dead.queue_name # the name, not the id

  settings = {
    batch_size            = var.push == null ? 100 : var.push.batch_size
    max_retries           = var.max_retries
    retry_delay           = local.retry_seconds
    visibility_timeout_ms = var.push == null ? local.visibility_seconds * 1000 : null
    max_wait_time_ms      = var.push == null ? null : var.push.wait_seconds * 1000
    max_concurrency       = var.push == null ? null : var.push.concurrency
  }

  lifecycle {
    replace_triggered_by = [terraform_data.consumes]
  }
}

moved {
  from = cloudflare_queue_consumer.pull
  to   = cloudflare_queue_consumer.this
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
  retry_seconds     = 30
  # A run has to be over before its messages come back.
  visibility_seconds = var.run_timeout_seconds + 60
}
