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

run "notices_reach_the_queue" {
  command = apply

  assert {
    condition     = cloudflare_r2_bucket_event_notification.logs.bucket_name == "logpush-logs" && cloudflare_r2_bucket_event_notification.logs.queue_id == "q-notices" && cloudflare_r2_bucket_event_notification.logs.jurisdiction == "default"
    error_message = "another bucket notifies, or another queue is"
  }
  assert {
    condition     = cloudflare_r2_bucket_event_notification.logs.rules[0].actions == tolist(["PutObject", "CopyObject", "CompleteMultipartUpload"]) && cloudflare_r2_bucket_event_notification.logs.rules[0].prefix == "gateway/" && cloudflare_r2_bucket_event_notification.logs.rules[0].suffix == ".log.gz" && length(cloudflare_r2_bucket_event_notification.logs.rules) == 1
    error_message = "large objects, or those in the folder, are not told of"
  }
  assert {
    condition     = cloudflare_queue_consumer.this.type == "http_pull" && cloudflare_queue_consumer.this.queue_id == "q-notices" && cloudflare_queue_consumer.this.dead_letter_queue == "logpush-dead"
    error_message = "nobody may pull, or what fails for good is deleted"
  }
  assert {
    condition     = cloudflare_queue_consumer.this.settings.visibility_timeout_ms == 540000 && cloudflare_queue_consumer.this.settings.max_retries == 50 && cloudflare_queue_consumer.this.settings.batch_size == 100 && cloudflare_queue_consumer.this.settings.retry_delay == 30
    error_message = "a message is not hidden for a run and a minute, or retried otherwise"
  }
}

run "logpush_writes_there" {
  command = apply

  assert {
    condition     = nonsensitive(cloudflare_logpush_job.this[0].destination_conf) == "r2://logpush-logs/gateway/{DATE}?account-id=0123456789abcdef0123456789abcdef&access-key-id=id-of-logpush&secret-access-key=${sha256("value-of-logpush")}"
    error_message = "Logpush writes elsewhere, or with another token"
  }
  assert {
    condition     = cloudflare_logpush_job.this[0].dataset == "gateway_http" && cloudflare_logpush_job.this[0].enabled == true && cloudflare_logpush_job.this[0].account_id == "0123456789abcdef0123456789abcdef" && cloudflare_logpush_job.this[0].zone_id == null && cloudflare_logpush_job.this[0].filter == "" && cloudflare_logpush_job.this[0].max_upload_interval_seconds == 60
    error_message = "another dataset is written, or none"
  }
  assert {
    condition     = cloudflare_logpush_job.this[0].output_options.output_type == "csv" && cloudflare_logpush_job.this[0].output_options.field_names == tolist(["Datetime", "URL"]) && cloudflare_logpush_job.this[0].output_options.timestamp_format == "rfc3339"
    error_message = "the logs have another form"
  }
}

run "what_the_function_is_given" {
  command = apply

  assert {
    condition = output.environment == {
      SOURCE_URL            = "r2://logpush-logs?account_id=0123456789abcdef0123456789abcdef&prefix=gateway/"
      DEST_URL              = "r2://logpush-csv?account_id=0123456789abcdef0123456789abcdef"
      STATE_URL             = "r2://logpush-state?account_id=0123456789abcdef0123456789abcdef"
      R2_ACCOUNT_ID         = "0123456789abcdef0123456789abcdef"
      R2_ACCESS_KEY_ID      = "id-of-function"
      CF_ACCOUNT_ID         = "0123456789abcdef0123456789abcdef"
      CF_QUEUE_ID           = "q-notices"
      CF_DEAD_QUEUE_ID      = "q-dead"
      CF_VISIBILITY_TIMEOUT = "540s"
    }
    error_message = "the function gets other variables"
  }
  assert {
    condition     = nonsensitive(output.secrets) == { R2_SECRET_ACCESS_KEY = sha256("value-of-function"), CF_API_TOKEN = "value-of-queue" }
    error_message = "the function gets other secrets"
  }
  assert {
    condition     = output.secret_versions.R2_SECRET_ACCESS_KEY != output.secret_versions.CF_API_TOKEN && output.secret_versions.CF_API_TOKEN == 1 + parseint(substr(sha256("id-of-queue"), 0, 8), 16)
    error_message = "a new token would not be a new version of the secret"
  }
  assert {
    condition     = nonsensitive(output.siem_key) == { access_key_id = "id-of-siem", secret_access_key = sha256("value-of-siem"), endpoint = "https://0123456789abcdef0123456789abcdef.r2.cloudflarestorage.com", bucket = "logpush-csv" }
    error_message = "the SIEM gets another key"
  }
}

run "in_europe_and_of_a_zone" {
  command = apply

  variables {
    jurisdiction = "eu"
    prefix       = ""
    logpush      = { dataset = "http_requests", fields = ["ClientIP"], zone_id = "z" }
  }
  assert {
    condition     = output.environment.R2_ENDPOINT == "https://0123456789abcdef0123456789abcdef.eu.r2.cloudflarestorage.com" && output.environment.SOURCE_URL == "r2://logpush-logs?account_id=0123456789abcdef0123456789abcdef"
    error_message = "the function looks for its buckets elsewhere"
  }
  assert {
    condition     = alltrue([for b in cloudflare_r2_bucket.this : b.jurisdiction == "eu"]) && alltrue([for l in cloudflare_r2_bucket_lifecycle.this : l.jurisdiction == "eu"]) && cloudflare_r2_bucket_event_notification.logs.jurisdiction == "eu" && strcontains(cloudflare_account_token.siem.policies[0].resources, "_eu_logpush-csv")
    error_message = "a bucket is looked for in another jurisdiction"
  }
  assert {
    condition     = cloudflare_logpush_job.this[0].zone_id == "z" && cloudflare_logpush_job.this[0].account_id == null && nonsensitive(cloudflare_logpush_job.this[0].destination_conf) == "s3://logpush-logs/{DATE}?region=auto&access-key-id=id-of-logpush&secret-access-key=${sha256("value-of-logpush")}&endpoint=0123456789abcdef0123456789abcdef.eu.r2.cloudflarestorage.com"
    error_message = "the job is the account's, or looks for the bucket outside of its jurisdiction"
  }
}

run "the_worker_pushes_to_the_function" {
  command = apply

  variables {
    push           = { verify_schedule = "17 5 * * *", batch_size = 10, wait_seconds = 1, concurrency = 3 }
    function_url   = "https://f.a.run.app"
    function_token = "a-token-of-thirty-two-characters"
  }
  # Only what is made anew has it: the queue was pulled from until now.
  override_resource {
    target = cloudflare_queue_consumer.this
    values = { consumer_id = "the-worker" }
  }
  assert {
    condition     = cloudflare_queue_consumer.this.consumer_id == "the-worker"
    error_message = "who pulled is made into the Worker, in place of being removed first"
  }
  assert {
    condition     = cloudflare_queue_consumer.this.type == "worker" && cloudflare_queue_consumer.this.script_name == "logpush-push" && cloudflare_queue_consumer.this.queue_id == "q-notices" && cloudflare_queue_consumer.this.dead_letter_queue == "logpush-dead"
    error_message = "the queue is consumed by another Worker, or what fails for good is deleted"
  }
  assert {
    condition     = cloudflare_queue_consumer.this.settings.batch_size == 10 && cloudflare_queue_consumer.this.settings.max_wait_time_ms == 1000 && cloudflare_queue_consumer.this.settings.max_concurrency == 3
    error_message = "batches are taken otherwise than push says"
  }
  assert {
    condition     = cloudflare_workers_script.push[0].account_id == "0123456789abcdef0123456789abcdef" && cloudflare_workers_script.push[0].script_name == "logpush-push" && cloudflare_workers_script.push[0].main_module == "worker.js" && endswith(cloudflare_workers_script.push[0].content_file, "/functions/gunzipcsv/worker/worker.js") && cloudflare_workers_script.push[0].content_sha256 == filesha256(cloudflare_workers_script.push[0].content_file) && cloudflare_workers_script.push[0].compatibility_date == "2025-01-01" && cloudflare_workers_script.push[0].observability.enabled == true
    error_message = "another program is deployed, or a changed one is not"
  }
  assert {
    condition = [for b in cloudflare_workers_script.push[0].bindings : [b.name, b.type, nonsensitive(b.text)]] == [
      ["FUNCTION_TOKEN", "secret_text", "a-token-of-thirty-two-characters"],
      ["FUNCTION_URL", "plain_text", "https://f.a.run.app"],
      ["RETRY_DELAY_SECONDS", "plain_text", "30"],
      ["TIMEOUT_SECONDS", "plain_text", "540"],
    ]
    error_message = "the Worker is given other variables"
  }
  assert {
    condition     = cloudflare_workers_cron_trigger.verify[0].script_name == "logpush-push" && cloudflare_workers_cron_trigger.verify[0].schedules[0].cron == "17 5 * * *" && length(cloudflare_workers_cron_trigger.verify[0].schedules) == 1
    error_message = "the proof is not asked for, or at another time"
  }
  assert {
    condition     = length([for k in keys(output.environment) : k if startswith(k, "CF_")]) == 0 && keys(nonsensitive(output.secrets)) == ["R2_SECRET_ACCESS_KEY"] && keys(output.secret_versions) == ["R2_SECRET_ACCESS_KEY"]
    error_message = "the function is told to pull what is pushed to it"
  }
}
