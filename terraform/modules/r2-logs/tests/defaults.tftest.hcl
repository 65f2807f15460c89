override_module {
  target = module.groups
  outputs = {
    ids = {
      "Workers R2 Storage Bucket Item Read"  = "r"
      "Workers R2 Storage Bucket Item Write" = "w"
      "Queues Read"                          = "qr"
      "Queues Write"                         = "qw"
      "Workers R2 Storage Write"             = "admin"
    }
  }
}

mock_provider "cloudflare" {
  # One id for all would hide that two are mixed up.
  override_resource {
    target = cloudflare_account_token.logpush
    values = { id = "id-of-logpush", value = "value-of-logpush" }
  }
  override_resource {
    target = cloudflare_account_token.function
    values = { id = "id-of-function", value = "value-of-function" }
  }
  override_resource {
    target = cloudflare_account_token.siem
    values = { id = "id-of-siem", value = "value-of-siem" }
  }
  override_resource {
    target = cloudflare_account_token.queue
    values = { id = "id-of-queue", value = "value-of-queue" }
  }
  override_resource {
    target = cloudflare_queue.notices
    values = { queue_id = "q-notices" }
  }
  override_resource {
    target = cloudflare_queue.dead
    values = { queue_id = "q-dead" }
  }
}

variables {
  account_id          = "0123456789abcdef0123456789abcdef"
  name                = "logpush"
  prefix              = "gateway/"
  run_timeout_seconds = 480
  logpush = {
    dataset = "gateway_http"
    fields  = ["Datetime", "URL"]
  }
}

run "what_is_kept_and_for_how_long" {
  command = apply

  assert {
    condition     = { for k, b in cloudflare_r2_bucket.this : k => [b.name, b.jurisdiction, b.account_id] } == { csv = ["logpush-csv", "default", "0123456789abcdef0123456789abcdef"], logs = ["logpush-logs", "default", "0123456789abcdef0123456789abcdef"], state = ["logpush-state", "default", "0123456789abcdef0123456789abcdef"] }
    error_message = "the buckets are others"
  }
  assert {
    condition     = [for r in cloudflare_r2_bucket_lifecycle.this["state"].rules : [r.conditions.prefix, try(r.delete_objects_transition.condition.max_age, 0)] if r.enabled] == [["", 0], ["gunzipcsv/receipts/", 34560000], ["gunzipcsv/verify/", 34560000]]
    error_message = "something else than receipts would be removed from the state by age"
  }
  assert {
    condition     = [for k in ["logs", "csv"] : cloudflare_r2_bucket_lifecycle.this[k].rules[1].delete_objects_transition.condition.max_age] == [2592000, 7776000] && cloudflare_r2_bucket_lifecycle.this["logs"].rules[1].delete_objects_transition.condition.type == "Age" && cloudflare_r2_bucket_lifecycle.this["logs"].rules[1].conditions.prefix == ""
    error_message = "logs are removed at another age"
  }
  assert {
    condition     = alltrue([for k, l in cloudflare_r2_bucket_lifecycle.this : l.bucket_name == "logpush-${k}" && l.rules[0].abort_multipart_uploads_transition.condition.max_age == 604800 && l.rules[0].abort_multipart_uploads_transition.condition.type == "Age"])
    error_message = "broken uploads stay for ever"
  }
  assert {
    condition     = cloudflare_queue.notices.settings.message_retention_period == 1209600 && cloudflare_queue.dead.settings.message_retention_period == 1209600 && output.retention_hours == 336
    error_message = "notices or dead letters are kept for less than there is"
  }
}

run "kept_for_ever_and_without_logpush" {
  command = apply
  variables {
    expire_days = { logs = 0, csv = 0 }
    logpush     = null
  }
  assert {
    condition     = length(cloudflare_r2_bucket_lifecycle.this["logs"].rules) == 1 && length(cloudflare_r2_bucket_lifecycle.this["csv"].rules) == 1
    error_message = "objects are removed though expire_days says not to"
  }
  assert {
    condition     = length(cloudflare_logpush_job.this) == 0 && length(cloudflare_account_token.logpush) == 0
    error_message = "there is a job, or a token for it, that was left out"
  }
}

run "a_worker_only_where_it_is_asked_for" {
  command = apply

  assert {
    condition     = length(cloudflare_workers_script.push) == 0 && length(cloudflare_workers_cron_trigger.verify) == 0 && length(cloudflare_account_token.queue) == 1
    error_message = "a queue that is pulled has a Worker"
  }
}

run "how_the_worker_takes_batches" {
  command = apply
  variables {
    push           = {}
    function_url   = "https://f.a.run.app"
    function_token = "a-token-of-thirty-two-characters"
  }
  assert {
    condition     = cloudflare_queue_consumer.this.settings.batch_size == 20 && cloudflare_queue_consumer.this.settings.max_wait_time_ms == 5000 && cloudflare_queue_consumer.this.settings.max_concurrency == 2 && cloudflare_queue_consumer.this.settings.max_retries == 50 && cloudflare_queue_consumer.this.settings.retry_delay == 30
    error_message = "batches are taken, or repeated, otherwise"
  }
  assert {
    condition     = length(cloudflare_workers_cron_trigger.verify) == 0
    error_message = "the proof is asked for though nobody said when"
  }
}
