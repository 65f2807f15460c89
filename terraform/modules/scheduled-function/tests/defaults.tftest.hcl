mock_provider "google" {
  # Accounts with one e-mail for all would hide that two are mixed up.
  override_resource {
    target = google_service_account.run
    values = { email = "run@acme.iam.gserviceaccount.com", id = "projects/acme/serviceAccounts/run", name = "projects/acme/serviceAccounts/run", unique_id = "111" }
  }
  override_resource {
    target = google_service_account.build
    values = { email = "build@acme.iam.gserviceaccount.com", id = "projects/acme/serviceAccounts/build", name = "projects/acme/serviceAccounts/build", unique_id = "222" }
  }
  override_resource {
    target = google_service_account.push
    values = { email = "push@acme.iam.gserviceaccount.com", id = "projects/acme/serviceAccounts/push", name = "projects/acme/serviceAccounts/push", unique_id = "333" }
  }
  override_resource {
    target = google_cloudfunctions2_function.this
    values = { service_config = { uri = "https://muleaudit-x.a.run.app" } }
  }
  override_resource {
    target = google_pubsub_topic.trigger
    values = { id = "projects/acme/topics/muleaudit" }
  }
  override_resource {
    target = google_pubsub_topic.dead
    values = { id = "projects/acme/topics/muleaudit-dead" }
  }
  override_resource {
    target = google_artifact_registry_repository.image
    values = { id = "projects/acme/locations/europe-west3/repositories/muleaudit", name = "muleaudit" }
  }
}

variables {
  project        = "acme"
  project_number = "1234567890"
  region         = "europe-west3"
  name           = "mule"
  function       = "muleaudit"
  source_archive = "tests/testdata/source.zip"
}

run "what_costs_money_or_data" {
  command = apply

  assert {
    condition     = google_cloudfunctions2_function.this.service_config[0].min_instance_count == 0 && google_cloudfunctions2_function.this.service_config[0].max_instance_count == 3 && google_cloudfunctions2_function.this.service_config[0].max_instance_request_concurrency == 1
    error_message = "instances wait for pay, or runs share one"
  }
  assert {
    condition     = google_cloudfunctions2_function.this.service_config[0].available_memory == "512Mi" && google_cloudfunctions2_function.this.service_config[0].available_cpu == "1"
    error_message = "an instance has another size"
  }
  assert {
    condition     = google_pubsub_subscription.push[0].expiration_policy[0].ttl == "" && google_pubsub_subscription.dead[0].expiration_policy[0].ttl == ""
    error_message = "a subscription that is quiet for a month would be deleted"
  }
  assert {
    condition     = google_pubsub_subscription.push[0].message_retention_duration == "604800s" && google_pubsub_subscription.dead[0].message_retention_duration == "2678400s"
    error_message = "messages or dead letters are kept for less than there is"
  }
  assert {
    condition     = google_storage_bucket.source.soft_delete_policy[0].retention_duration_seconds == 0
    error_message = "old sources are paid for after they are deleted"
  }
  assert {
    condition     = [for p in google_artifact_registry_repository.image.cleanup_policies : [p.id, p.action]] == [["delete-others", "DELETE"], ["keep-ten", "KEEP"]]
    error_message = "images pile up, or the last ones go"
  }
}

run "the_table_of_timeouts" {
  command = apply

  assert {
    condition     = google_cloudfunctions2_function.this.service_config[0].environment_variables["RUN_TIMEOUT"] == "480s" && google_cloudfunctions2_function.this.service_config[0].timeout_seconds == 540 && google_pubsub_subscription.push[0].ack_deadline_seconds == 600
    error_message = "RUN_TIMEOUT, time-out and acknowledgement deadline are others"
  }
  assert {
    condition     = google_cloud_scheduler_job.run[0].schedule == "*/10 * * * *" && google_cloud_scheduler_job.run[0].time_zone == "Etc/UTC"
    error_message = "the schedule is another"
  }
  assert {
    condition     = google_cloud_scheduler_job.verify[0].schedule == "17 5 * * *" && google_cloud_scheduler_job.verify[0].time_zone == "Etc/UTC"
    error_message = "the proof is not daily"
  }
  assert {
    condition     = google_cloud_scheduler_job.run[0].attempt_deadline == null && google_cloud_scheduler_job.verify[0].attempt_deadline == null
    error_message = "a schedule with a topic as target has an attempt_deadline"
  }
  assert {
    condition     = google_pubsub_subscription.push[0].retry_policy[0].minimum_backoff == "10s" && google_pubsub_subscription.push[0].retry_policy[0].maximum_backoff == "600s" && google_pubsub_subscription.push[0].dead_letter_policy[0].max_delivery_attempts == 20
    error_message = "failed deliveries are repeated otherwise"
  }
}

run "hourly_and_without_proof" {
  command = apply

  variables {
    interval_minutes = 60
    verify           = null
  }
  assert {
    condition     = google_cloud_scheduler_job.run[0].schedule == "0 * * * *"
    error_message = "an interval of an hour is not hourly"
  }
  assert {
    condition     = length(google_cloud_scheduler_job.verify) == 0 && output.verifies == false
    error_message = "the proof runs though it was left out"
  }
}

run "open_has_no_schedule" {
  command = apply

  variables {
    open    = true
    secrets = { FUNCTION_TOKEN = { project = "acme", secret = "token", version = "2" } }
  }
  assert {
    condition     = length(google_cloud_scheduler_job.run) == 0 && length(google_cloud_scheduler_job.verify) == 0 && length(google_pubsub_topic.trigger) == 0 && length(google_pubsub_subscription.push) == 0 && length(google_pubsub_topic.dead) == 0 && length(google_pubsub_subscription.dead) == 0
    error_message = "Pub/Sub pushes to a function that refuses it"
  }
  assert {
    condition     = output.topic == null && output.dead_subscription == null && output.verifies == true
    error_message = "what watches over it is told of what is not there"
  }
}
