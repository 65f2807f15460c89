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

run "nothing_for_the_whole_project_but_the_log_of_builds_and_the_copy_they_read" {
  command = apply

  assert {
    condition     = google_project_iam_member.build_logs.role == "roles/logging.logWriter" && google_project_iam_member.build_logs.member == "serviceAccount:build@acme.iam.gserviceaccount.com"
    error_message = "more is granted for the whole project, or to another account"
  }
  assert {
    condition     = google_storage_bucket_iam_member.build_reads_source.bucket == "acme-mule-source" && google_storage_bucket_iam_member.build_reads_source.role == "roles/storage.objectViewer" && google_storage_bucket_iam_member.build_reads_source.member == "serviceAccount:build@acme.iam.gserviceaccount.com"
    error_message = "builds may do more than read their source"
  }
  # What Cloud Build fetches is gs://gcf-v2-sources-NUMBER-REGION/NAME/function-source.zip.
  assert {
    condition     = google_project_iam_member.build_reads_copy.role == "roles/storage.objectViewer" && google_project_iam_member.build_reads_copy.member == "serviceAccount:build@acme.iam.gserviceaccount.com"
    error_message = "builds cannot read what they are to build, or may do more, or another account may"
  }
  assert {
    condition     = google_project_iam_member.build_reads_copy.condition[0].expression == "resource.name.startsWith(\"projects/_/buckets/gcf-v2-sources-1234567890-europe-west3/objects/mule/\")"
    error_message = "builds may read more of the project's objects than the copy of their own source"
  }
  assert {
    condition     = google_artifact_registry_repository_iam_member.build_writes_image.repository == "muleaudit" && google_artifact_registry_repository_iam_member.build_writes_image.role == "roles/artifactregistry.writer" && google_artifact_registry_repository_iam_member.build_writes_image.member == "serviceAccount:build@acme.iam.gserviceaccount.com"
    error_message = "builds may do more than write their image"
  }
}

run "only_the_trigger_may_invoke" {
  command = apply

  assert {
    condition     = google_cloudfunctions2_function.this.service_config[0].ingress_settings == "ALLOW_INTERNAL_ONLY"
    error_message = "the function can be reached from outside"
  }
  assert {
    condition     = length(google_cloud_run_v2_service_iam_member.anyone_invokes) == 0
    error_message = "everybody may invoke the function"
  }
  assert {
    condition     = google_cloud_run_v2_service_iam_member.push_invokes[0].name == "mule" && google_cloud_run_v2_service_iam_member.push_invokes[0].role == "roles/run.invoker" && google_cloud_run_v2_service_iam_member.push_invokes[0].member == "serviceAccount:push@acme.iam.gserviceaccount.com"
    error_message = "another account than the trigger's may invoke the function"
  }
  assert {
    condition     = google_service_account_iam_member.pubsub_signs_as_push[0].service_account_id == "projects/acme/serviceAccounts/push" && google_service_account_iam_member.pubsub_signs_as_push[0].role == "roles/iam.serviceAccountTokenCreator" && google_service_account_iam_member.pubsub_signs_as_push[0].member == "serviceAccount:service-1234567890@gcp-sa-pubsub.iam.gserviceaccount.com"
    error_message = "Pub/Sub may sign as another account than the trigger's"
  }
}

run "the_source_is_not_public" {
  command = apply

  assert {
    condition     = google_storage_bucket.source.uniform_bucket_level_access == true && google_storage_bucket.source.public_access_prevention == "enforced"
    error_message = "the source could be made public"
  }
  assert {
    condition     = length(google_cloudfunctions2_function.this.event_trigger) == 0
    error_message = "an event trigger has an account of its own that may invoke"
  }
}

run "open_only_where_it_is_asked_for" {
  command = apply

  variables {
    open    = true
    secrets = { FUNCTION_TOKEN = { project = "acme", secret = "token", version = "2" } }
  }
  assert {
    condition     = google_cloudfunctions2_function.this.service_config[0].ingress_settings == "ALLOW_ALL" && google_cloud_run_v2_service_iam_member.anyone_invokes[0].name == "mule" && google_cloud_run_v2_service_iam_member.anyone_invokes[0].role == "roles/run.invoker" && google_cloud_run_v2_service_iam_member.anyone_invokes[0].member == "allUsers"
    error_message = "callers from outside do not reach the function, or may do more than invoke it"
  }
  assert {
    condition     = length(google_service_account.push) == 0 && length(google_cloud_run_v2_service_iam_member.push_invokes) == 0 && length(google_service_account_iam_member.pubsub_signs_as_push) == 0
    error_message = "there is an account for what does not trigger it"
  }
}
