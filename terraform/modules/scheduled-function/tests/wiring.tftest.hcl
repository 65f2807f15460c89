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

run "the_schedule_publishes_and_pubsub_pushes" {
  command = apply

  assert {
    condition     = google_cloud_scheduler_job.run[0].pubsub_target[0].topic_name == "projects/acme/topics/muleaudit" && base64decode(google_cloud_scheduler_job.run[0].pubsub_target[0].data) == "{}"
    error_message = "the schedule does not publish {} to the trigger"
  }
  assert {
    condition     = google_cloud_scheduler_job.verify[0].pubsub_target[0].topic_name == "projects/acme/topics/muleaudit" && base64decode(google_cloud_scheduler_job.verify[0].pubsub_target[0].data) == "{\"verify\":{}}"
    error_message = "the daily proof is not asked for"
  }
  assert {
    condition     = google_pubsub_subscription.push[0].topic == "projects/acme/topics/muleaudit"
    error_message = "the subscription hears of another topic"
  }
  assert {
    condition     = google_pubsub_subscription.push[0].push_config[0].push_endpoint == "https://muleaudit-x.a.run.app" && google_pubsub_subscription.push[0].push_config[0].oidc_token[0].audience == "https://muleaudit-x.a.run.app"
    error_message = "messages are pushed elsewhere, or signed for somebody else"
  }
  assert {
    condition     = google_pubsub_subscription.push[0].push_config[0].oidc_token[0].service_account_email == "push@acme.iam.gserviceaccount.com"
    error_message = "messages are signed by another account than the one that may invoke"
  }
}

run "dead_letters_get_where_they_wait" {
  command = apply

  assert {
    condition     = google_pubsub_subscription.push[0].dead_letter_policy[0].dead_letter_topic == "projects/acme/topics/muleaudit-dead" && google_pubsub_subscription.dead[0].topic == "projects/acme/topics/muleaudit-dead"
    error_message = "dead letters go to one topic and wait at another"
  }
  assert {
    condition     = google_pubsub_topic_iam_member.dead_letters_are_written[0].topic == "mule-dead" && google_pubsub_topic_iam_member.dead_letters_are_written[0].role == "roles/pubsub.publisher" && google_pubsub_topic_iam_member.dead_letters_are_written[0].member == "serviceAccount:service-1234567890@gcp-sa-pubsub.iam.gserviceaccount.com"
    error_message = "Pub/Sub cannot write dead letters"
  }
  assert {
    condition     = google_pubsub_subscription_iam_member.dead_letters_are_taken[0].subscription == "mule" && google_pubsub_subscription_iam_member.dead_letters_are_taken[0].role == "roles/pubsub.subscriber" && google_pubsub_subscription_iam_member.dead_letters_are_taken[0].member == "serviceAccount:service-1234567890@gcp-sa-pubsub.iam.gserviceaccount.com"
    error_message = "Pub/Sub cannot take dead letters off"
  }
}

run "each_account_has_its_place" {
  command = apply

  assert {
    condition     = google_cloudfunctions2_function.this.service_config[0].service_account_email == "run@acme.iam.gserviceaccount.com"
    error_message = "the function runs as another account"
  }
  assert {
    condition     = google_cloudfunctions2_function.this.build_config[0].service_account == "projects/acme/serviceAccounts/build"
    error_message = "the function is built by another account"
  }
  assert {
    condition     = output.run_account == "run@acme.iam.gserviceaccount.com" && output.run_account_id == "111"
    error_message = "buckets and secrets would be granted to another account"
  }
}

run "the_source_is_named_by_its_content" {
  command = apply

  variables {
    environment = { STATE_URL = "gs://state" }
    secrets     = { CLIENT_SECRET = { project = "vault", secret = "mule", version = "3" } }
  }
  assert {
    condition     = google_storage_bucket_object.source.name == "muleaudit-${filesha256("tests/testdata/source.zip")}.zip" && google_storage_bucket_object.source.source == "tests/testdata/source.zip"
    error_message = "a changed archive would not be built"
  }
  assert {
    condition     = google_cloudfunctions2_function.this.build_config[0].source[0].storage_source[0].object == google_storage_bucket_object.source.name && google_cloudfunctions2_function.this.build_config[0].source[0].storage_source[0].bucket == "acme-mule-source" && google_storage_bucket_object.source.bucket == "acme-mule-source"
    error_message = "something else is built than was packaged"
  }
  assert {
    condition     = google_cloudfunctions2_function.this.build_config[0].entry_point == "muleaudit" && google_cloudfunctions2_function.this.build_config[0].runtime == "go126"
    error_message = "another function is started"
  }
  assert {
    condition     = google_cloudfunctions2_function.this.build_config[0].docker_repository == "projects/acme/locations/europe-west3/repositories/muleaudit"
    error_message = "the image goes elsewhere"
  }
  assert {
    condition     = google_cloudfunctions2_function.this.service_config[0].environment_variables == tomap({ STATE_URL = "gs://state", RUN_TIMEOUT = "480s", GOOGLE_CLOUD_PROJECT = "acme" })
    error_message = "the function gets other variables"
  }
  assert {
    condition     = [for s in google_cloudfunctions2_function.this.service_config[0].secret_environment_variables : [s.key, s.project_id, s.secret, s.version]] == [["CLIENT_SECRET", "vault", "mule", "3"]]
    error_message = "the function gets another secret"
  }
}

run "a_build_waits_for_its_rights" {
  command = apply

  assert {
    condition     = terraform_data.settled.triggers_replace == [google_storage_bucket_iam_member.build_reads_source.id, google_project_iam_member.build_reads_copy.id, google_artifact_registry_repository_iam_member.build_writes_image.id, google_project_iam_member.build_logs.id]
    error_message = "a right that a build needs is not waited for"
  }
}

run "another_archive_is_another_object" {
  command = plan

  variables {
    source_archive = "tests/testdata/changed.zip"
  }
  assert {
    condition     = google_storage_bucket_object.source.name == "muleaudit-${filesha256("tests/testdata/changed.zip")}.zip"
    error_message = "a changed archive is not uploaded"
  }
}

run "an_account_that_is_there" {
  command = apply

  variables {
    account = { email = "theirs@acme.iam.gserviceaccount.com", number = "999" }
  }
  assert {
    condition     = length(google_service_account.run) == 0 && google_cloudfunctions2_function.this.service_config[0].service_account_email == "theirs@acme.iam.gserviceaccount.com" && output.run_account == "theirs@acme.iam.gserviceaccount.com" && output.run_account_id == "999"
    error_message = "it runs as another account than the one that is there"
  }
}

run "open_to_who_bears_the_token" {
  command = apply

  variables {
    open    = true
    secrets = { FUNCTION_TOKEN = { project = "acme", secret = "token", version = "2" } }
  }
  assert {
    condition     = [for s in google_cloudfunctions2_function.this.service_config[0].secret_environment_variables : [s.key, s.project_id, s.secret, s.version]] == [["FUNCTION_TOKEN", "acme", "token", "2"]]
    error_message = "the function asks for no token, or for another"
  }
  assert {
    condition     = output.uri == "https://muleaudit-x.a.run.app"
    error_message = "the caller is sent elsewhere"
  }
}
