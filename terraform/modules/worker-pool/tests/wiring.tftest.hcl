mock_provider "google" {
  override_resource {
    target = google_service_account.run
    values = { email = "run@acme.iam.gserviceaccount.com", unique_id = "111222333" }
  }
  # One e-mail for all would hide that two are mixed up.
  override_resource {
    target = google_service_account.push
    values = { email = "push@acme.iam.gserviceaccount.com", unique_id = "444555666" }
  }
  override_resource {
    target = google_cloud_run_v2_service.verify
    values = { uri = "https://slshec-verify-x.run.app" }
  }
}

variables {
  project = "acme"
  region  = "europe-west3"
  name    = "slshec"
  image   = "europe-west3-docker.pkg.dev/acme/siemfeed/slshec@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
}

run "what_runs" {
  command = apply

  variables {
    instances   = 3
    environment = { SLS_CG = "splunk" }
    secrets     = { HEC_TOKEN = { project = "vault", secret = "hec", version = "3" } }
  }
  assert {
    condition     = google_cloud_run_v2_worker_pool.this.template[0].containers[0].image == "europe-west3-docker.pkg.dev/acme/siemfeed/slshec@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" && google_cloud_run_v2_worker_pool.this.template[0].service_account == "run@acme.iam.gserviceaccount.com" && google_cloud_run_v2_worker_pool.this.scaling[0].manual_instance_count == 3
    error_message = "something else runs, or as somebody else"
  }
  assert {
    condition     = { for e in google_cloud_run_v2_worker_pool.this.template[0].containers[0].env : e.name => e.value if length(e.value_source) == 0 } == { GOOGLE_CLOUD_PROJECT = "acme", MODE = "follow", SLS_CG = "splunk" }
    error_message = "the pool gets other variables"
  }
  assert {
    condition     = [for e in google_cloud_run_v2_worker_pool.this.template[0].containers[0].env : [e.name, e.value_source[0].secret_key_ref[0].secret, e.value_source[0].secret_key_ref[0].version] if length(e.value_source) > 0] == [["HEC_TOKEN", "projects/vault/secrets/hec", "3"]]
    error_message = "the pool gets another secret"
  }
  assert {
    condition     = google_cloud_run_v2_worker_pool.this.template[0].containers[0].startup_probe[0].http_get[0].path == "/health" && google_cloud_run_v2_worker_pool.this.template[0].containers[0].startup_probe[0].http_get[0].port == 8080 && google_cloud_run_v2_worker_pool.this.template[0].containers[0].liveness_probe[0].http_get[0].path == "/health"
    error_message = "nobody looks whether it works, or elsewhere"
  }
  assert {
    condition     = output.run_account == "run@acme.iam.gserviceaccount.com" && output.run_account_id == "111222333" && output.name == "slshec"
    error_message = "buckets and secrets would be granted to another account"
  }
}

run "an_account_that_is_there" {
  command = apply

  variables {
    account = { email = "theirs@acme.iam.gserviceaccount.com", number = "999" }
  }
  assert {
    condition     = length(google_service_account.run) == 0 && google_cloud_run_v2_worker_pool.this.template[0].service_account == "theirs@acme.iam.gserviceaccount.com" && output.run_account == "theirs@acme.iam.gserviceaccount.com" && output.run_account_id == "999"
    error_message = "it runs as another account than the one that is there"
  }
}

run "who_makes_the_proof" {
  command = apply

  variables {
    run_timeout_seconds = 900
    environment         = { SLS_CG = "splunk" }
    secrets             = { HEC_TOKEN = { project = "vault", secret = "hec", version = "3" } }
  }
  assert {
    condition     = google_cloud_run_v2_service.verify[0].name == "slshec-verify" && google_cloud_run_v2_service.verify[0].location == "europe-west3" && google_cloud_run_v2_service.verify[0].template[0].containers[0].image == "europe-west3-docker.pkg.dev/acme/siemfeed/slshec@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" && google_cloud_run_v2_service.verify[0].template[0].service_account == "run@acme.iam.gserviceaccount.com"
    error_message = "something else proves than runs, or as somebody else"
  }
  assert {
    condition     = { for e in google_cloud_run_v2_service.verify[0].template[0].containers[0].env : e.name => e.value if length(e.value_source) == 0 } == { GOOGLE_CLOUD_PROJECT = "acme", RUN_TIMEOUT = "900s", SLS_CG = "splunk" }
    error_message = "the proof gets other variables than the pool, or follows, too"
  }
  assert {
    condition     = [for e in google_cloud_run_v2_service.verify[0].template[0].containers[0].env : [e.name, e.value_source[0].secret_key_ref[0].secret, e.value_source[0].secret_key_ref[0].version] if length(e.value_source) > 0] == [["HEC_TOKEN", "projects/vault/secrets/hec", "3"]]
    error_message = "the proof gets another secret"
  }
}

run "who_asks_for_the_proof" {
  command = apply

  variables {
    verify = { schedule = "3 4 * * *" }
  }
  assert {
    condition     = google_cloud_scheduler_job.verify[0].name == "slshec-verify" && google_cloud_scheduler_job.verify[0].region == "europe-west3" && google_cloud_scheduler_job.verify[0].schedule == "3 4 * * *" && google_cloud_scheduler_job.verify[0].http_target[0].http_method == "POST" && google_cloud_scheduler_job.verify[0].http_target[0].uri == "https://slshec-verify-x.run.app"
    error_message = "another is asked, or at another time"
  }
  assert {
    condition     = base64decode(google_cloud_scheduler_job.verify[0].http_target[0].body) == "{\"verify\":{}}" && google_cloud_scheduler_job.verify[0].http_target[0].headers == tomap({ "Content-Type" = "application/json" })
    error_message = "something else is asked for: an empty body is a run"
  }
  assert {
    condition     = google_cloud_scheduler_job.verify[0].http_target[0].oidc_token[0].service_account_email == "push@acme.iam.gserviceaccount.com" && google_cloud_scheduler_job.verify[0].http_target[0].oidc_token[0].audience == "https://slshec-verify-x.run.app"
    error_message = "it is asked as another account, or for another audience"
  }
  assert {
    condition     = google_cloud_scheduler_job.verify[0].retry_config[0].retry_count == 3 && google_cloud_scheduler_job.verify[0].retry_config[0].min_backoff_duration == "60s"
    error_message = "a proof that could not be made is not asked for again"
  }
}
