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

run "what_costs_money" {
  command = apply

  assert {
    condition     = google_cloud_run_v2_worker_pool.this.scaling[0].manual_instance_count == 1 && google_cloud_run_v2_worker_pool.this.template[0].containers[0].resources[0].limits == tomap({ cpu = "1", memory = "512Mi" })
    error_message = "the pool is of another size"
  }
  assert {
    condition     = google_cloud_run_v2_service.verify[0].template[0].scaling[0].min_instance_count == 0 && google_cloud_run_v2_service.verify[0].template[0].scaling[0].max_instance_count == 1 && google_cloud_run_v2_service.verify[0].template[0].max_instance_request_concurrency == 1 && google_cloud_run_v2_service.verify[0].template[0].containers[0].resources[0].limits == tomap({ cpu = "1", memory = "512Mi" })
    error_message = "the proof's service is always there, or more than once"
  }
  assert {
    condition     = google_cloud_run_v2_worker_pool.this.deletion_protection == false && google_cloud_run_v2_service.verify[0].deletion_protection == false
    error_message = "destroy would stop half-way"
  }
}

run "a_proof_every_day" {
  command = apply

  assert {
    condition     = google_cloud_scheduler_job.verify[0].schedule == "17 5 * * *" && google_cloud_scheduler_job.verify[0].time_zone == "Etc/UTC" && output.verifier == "slshec-verify"
    error_message = "the proof is not daily"
  }
  assert {
    condition     = google_cloud_run_v2_service.verify[0].template[0].timeout == "1800s" && google_cloud_scheduler_job.verify[0].attempt_deadline == "1800s" && one([for e in google_cloud_run_v2_service.verify[0].template[0].containers[0].env : e.value if e.name == "RUN_TIMEOUT"]) == "480s"
    error_message = "a proof is given up while it is made"
  }
}

run "without_a_proof" {
  command = apply

  variables {
    verify = null
  }
  assert {
    condition     = length(google_cloud_run_v2_service.verify) == 0 && length(google_cloud_scheduler_job.verify) == 0 && length(google_service_account.push) == 0 && length(google_cloud_run_v2_service_iam_member.push_invokes) == 0 && output.verifier == null
    error_message = "what was left out is there"
  }
}
